-- Prepended to every script that uses time. The cluster's time is Redis' own, but never goes back: if Redis' clock
-- does (it was set, or another machine took over), the difference is added from then on. So leases, grace periods
-- and claims keep their age. (A clock that is set forward by less than half a lease ages them by as much; further
-- counts as an outage of Redis.)

-- A time, or nil: a value that is no time, or thousands of years away, is not of adda.
local function millis_of(text)
  local millis = tonumber(text or '')
  return millis and millis >= 0 and millis < 1e15 and millis or nil
end

local function text_of(millis) return string.format('%.0f', millis) end

local function redis_millis()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The cluster's time, and its difference to Redis' clock. KEY clock
local function cluster_time(clock)
  local fields = redis.call('HMGET', clock, 'last', 'ahead')
  local last, ahead = millis_of(fields[1]) or 0, millis_of(fields[2]) or 0
  local now = redis_millis() + ahead
  if now < last then now, ahead = last, ahead + last - now end
  return now, ahead
end

-- Whether another node has claimed the work. A claim is "<node id> <time of the claim>", and holds for a lease. Its
-- age decides, because Redis may expire the key earlier or later by its own clock.
local function is_claimed(key, now, lease, except)
  local by, at = string.match(redis.call('GET', key) or '', '^(%S+) (%d+)$')
  at = millis_of(at)
  return by ~= nil and by ~= except and at ~= nil and at <= now and now - at < lease
end

local function claim(key, now, lease, node)
  if is_claimed(key, now, lease, node) then return false end
  redis.call('SET', key, node .. ' ' .. text_of(now), 'PX', 4 * lease)
  return true
end

