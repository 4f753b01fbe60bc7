-- Numbers, logs and publishes one message, once per nonce.
-- KEYS[1] head  KEYS[2] log  KEYS[3] nonce, if one was given
-- ARGV[1] channel  [2] the message's JSON, still open  [3] history.max_messages
-- ARGV[4] ttl of the log, ms  [5] ttl of the head, ms  [6] ttl of the nonce, ms
-- ARGV[7] message id  [8] digest of the content  [9] mark of the posting node for the publication, one word [10]
-- '1' if replicas will be waited for
-- Returns {0, epoch, seq, timestamp}, or {1, "epoch seq id timestamp …"} of the first message with this nonce,
-- or {2} if that had other content.
if KEYS[3] then
  local first = redis.call('GET', KEYS[3])
  if first then
    local digest = string.match(first, '^%S+ %S+ %S+ %S+ (%S+)')
    if digest and digest ~= ARGV[8] then return {2} end
    -- WAIT waits for writes of its own connection, so a duplicate writes something, too.
    if ARGV[10] == '1' then redis.call('PEXPIRE', KEYS[3], ARGV[6]) end
    return {1, first}
  end
end

-- Redis keeps the writes of a script that fails later. A message that is logged but not published would reach no
-- node until the next one, so the permission to publish is checked before the first write.
if not may_publish(ARGV[1]) then
  return redis.error_reply('NOPERM this user may not publish to the channels of rooms')
end

-- RFC 3339 in UTC with milliseconds. Days are counted from 1 March of the year 0, so that a leap day is
-- the last of its year (as chrono and Howard Hinnant's "days_from_civil" do).
local function rfc3339(seconds, millis)
  local of_day = seconds % 86400
  local days = (seconds - of_day) / 86400 + 719468
  local era = math.floor(days / 146097)
  local day_of_era = days - era * 146097
  local year = math.floor((day_of_era - math.floor(day_of_era / 1460) + math.floor(day_of_era / 36524)
    - math.floor(day_of_era / 146096)) / 365)
  local day_of_year = day_of_era - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local month = math.floor((5 * day_of_year + 2) / 153)
  local day = day_of_year - math.floor((153 * month + 2) / 5) + 1
  month = month < 10 and month + 3 or month - 9
  year = year + era * 400 + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, day, math.floor(of_day / 3600),
    math.floor(of_day % 3600 / 60), of_day % 60, millis)
end

local time = redis.call('TIME')
local seconds, sub_millis, ttl = tonumber(time[1]), math.floor(time[2] / 1000), tonumber(ARGV[4])
local now, timestamp = seconds * 1000 + sub_millis, rfc3339(seconds, sub_millis)

-- Appends the message above a number. Redis refuses if another program has added entries there.
local function append(last)
  local seq = digits(last + 1)
  local json = ARGV[2] .. ',"timestamp":"' .. timestamp .. '","seq":' .. seq .. '}'
  local added = redis.pcall('XADD', KEYS[2], 'MAXLEN', '=', ARGV[3], seq .. '-0',
    't', digits(now), 'm', json, 'v', '1')
  return type(added) == 'table' and added, seq, json
end

local function open()
  local h = open_head(KEYS[1], KEYS[2], ARGV[5])
  return h.epoch, h.seq, h.kept
end

local epoch, last, kept = current(KEYS[1])
if not epoch then epoch, last, kept = open() end
local refusal, seq, json = append(last)
if refusal then
  -- These entries are foreign: an epoch begins above them.
  redis.call('HSET', KEYS[1], 'run', '-')
  epoch, last, kept = open()
  refusal, seq, json = append(last)
  if refusal then return refusal end
end
-- The expiry is extended by more than necessary, so not with each message. Reads skip messages that are too old.
local spare = math.floor(ttl / 16)
if now - kept >= spare or now < kept then
  redis.call('HSET', KEYS[1], 'seq', seq, 'kept', digits(now))
  redis.call('PEXPIRE', KEYS[2], ttl + spare)
  redis.call('PEXPIRE', KEYS[1], ARGV[5] + spare)
  redis.call('XTRIM', KEYS[2], 'MINID', digits(oldest_kept(KEYS[2], last + 1, ttl)))
else
  redis.call('HSET', KEYS[1], 'seq', seq)
end
if KEYS[3] then
  local receipt = epoch .. ' ' .. seq .. ' ' .. ARGV[7] .. ' ' .. timestamp .. ' ' .. ARGV[8]
  redis.call('SET', KEYS[3], receipt, 'PX', ARGV[6])
end
publish(ARGV[1], 'm ' .. epoch .. ' ' .. seq .. ' ' .. ARGV[9] .. '\n' .. json)
return {0, epoch, seq, timestamp}
