-- Functions of the scripts of files. Prepended to them.
local DAY = 24 * 60 * 60 * 1000

-- Milliseconds of Redis' clock.
local function now_millis()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function digits(number) return string.format('%.0f', number) end

-- Bytes that a quota has given on a day.
local function uploaded(quota, day)
  local fields = call('HMGET', quota, 'day', 'bytes')
  return tonumber(fields[1] or '') == day and tonumber(fields[2] or '') or 0
end

local function set_uploaded(quota, day, bytes)
  call('HSET', quota, 'day', digits(day), 'bytes', digits(math.max(bytes, 0)))
  redis.call('PEXPIRE', quota, 2 * DAY)
end

-- Gives quotas bytes back that an upload has taken and does not need, unless their day has ended. The keys of the quotas are
-- KEYS from `first` to `last`.
local function give_back(file, bytes, first, last)
  local day = tonumber(call('HGET', file, 'day') or '')
  for i = first, last do
    local has = uploaded(KEYS[i], day)
    if has > 0 then set_uploaded(KEYS[i], day, has - bytes) end
  end
end

-- The value of an upload that is not finished. Later it is the id of the file.
local function begun(id) return 'begun ' .. id end

local function is_begun(value) return string.sub(value or '', 1, 6) == 'begun ' end
