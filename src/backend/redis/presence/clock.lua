-- Put in front of every script that goes by time. The cluster's time is Redis' own, except that it never goes back:
-- if Redis' clock does (it was set, or another machine took over), the difference is added from then on. So a lease,
-- a grace period and a claim keep their age.
-- (Set forward by less than half a lease it ages them by as much, further it counts as an absence of Redis.)

-- A time, or nothing: what is no time, or one in thousands of years, is not of adda.
local function millis_of(text)
  local millis = tonumber(text or '')
  return millis and millis >= 0 and millis < 1e15 and millis or nil
end

local function text_of(millis) return string.format('%.0f', millis) end

local function redis_millis()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The cluster's time, and what it is ahead of Redis' clock. KEY clock
local function cluster_time(clock)
  local fields = redis.call('HMGET', clock, 'last', 'ahead')
  local last, ahead = millis_of(fields[1]) or 0, millis_of(fields[2]) or 0
  local now = redis_millis() + ahead
  if now < last then now, ahead = last, ahead + last - now end
  return now, ahead
end

-- Whether work is another node's: a claim is "<node id> <when it was made>", and stands for a lease. Redis may
-- forget it earlier or later by its own clock, which the age shows.
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

