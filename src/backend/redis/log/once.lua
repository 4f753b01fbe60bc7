-- Prepended to every script that gives an entry a number, behind `fence.lua`: what comes before, once per nonce.
-- KEYS[1] to [5] as in `fence.lua`  KEYS[6] reactions  KEYS[7] cursors  KEYS[8] record of a private room
-- the last: nonce, if one was given
-- ARGV[1] channel  [2] id of the message or change  [3] mark of the posting node for the publication, one word
-- ARGV[4] digest of the content  [5] ttl of the log, ms  [6] ttl of the head, ms  [7] ttl of the nonce, ms
-- ARGV[8] '1' if replicas will be waited for  [9] history.max_messages
-- ARGV[10] the field that the record of a private room must have: that of the user, or one that each record has for the system; '' in
-- other rooms
-- Returns {1, "epoch seq id timestamp  …"} of the first message with this nonce, {2} if that had other content, or {7} if the
-- user is no member.
local RECORDED = ARGV[10]
local REACTIONS, CURSORS, NONCE = KEYS[6], KEYS[7], RECORDED == '' and KEYS[8] or KEYS[9]
local CHANNEL, ID, MARK, DIGEST, MAX_MESSAGES = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[9]
local TTL, HEAD_TTL, NONCE_TTL = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
-- The scores of a lane of `reactions` are a range of this many.
local LANE = 4194304
-- A user that was removed posts nothing more, not even on a node that does not know of it yet.
if RECORDED ~= '' and redis.pcall('HEXISTS', KEYS[8], RECORDED) ~= 1 then return {7} end
if NONCE then
  local first = redis.call('GET', NONCE)
  if first then
    -- Earlier versions wrote a longer one behind a single blank. Behind two they see none, and compare nothing.
    local digest = string.match(first, '^%S+ %S+ %S+ %S+  ?(%S+)')
    if digest and string.sub(digest, 1, #DIGEST) ~= DIGEST then return {2} end
    -- WAIT waits for writes of its own connection, so a duplicate writes something, too.
    if ARGV[8] == '1' then redis.call('PEXPIRE', NONCE, NONCE_TTL) end
    return {1, first}
  end
end

-- Redis keeps the writes of a script that fails later. A message that is logged but not published would reach no
-- node until the next one, so the permission to publish is checked before the first write.
if not may_publish(CHANNEL) then
  return redis.error_reply('NOPERM this user may not publish to the channels of rooms')
end

-- RFC 3339 in UTC with milliseconds. Days are counted from 1 March of the year 0, so that a leap day is
-- the last of its year (as chrono and Howard Hinnant's "days_from_civil" do).
local function rfc3339(seconds, millis)
  local of_day = seconds % 86400
  local days = (seconds - of_day) / 86400 + 719468
  local day_of_era = days % 146097
  local era = (days - day_of_era) / 146097
  local leap_days = (day_of_era - day_of_era % 1460) / 1460 - (day_of_era - day_of_era % 36524) / 36524
    + (day_of_era - day_of_era % 146096) / 146096
  local of_years = day_of_era - leap_days
  local year = (of_years - of_years % 365) / 365
  local day_of_year = day_of_era - (365 * year + (year - year % 4) / 4 - (year - year % 100) / 100)
  local fifths = 5 * day_of_year + 2
  local month = (fifths - fifths % 153) / 153
  local day = day_of_year - (153 * month + 2 - (153 * month + 2) % 5) / 5 + 1
  month = month < 10 and month + 3 or month - 9
  year = year + era * 400 + (month <= 2 and 1 or 0)
  local second = of_day % 60
  local of_hour = of_day % 3600
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, day, (of_day - of_hour) / 3600,
    (of_hour - second) / 60, second, millis)
end

local time = redis.call('TIME')
local seconds, sub_millis = tonumber(time[1]), math.floor(time[2] / 1000)
local now, timestamp = seconds * 1000 + sub_millis, rfc3339(seconds, sub_millis)
local h = current() or open_head(HEAD_TTL)

-- The expiry is extended by more than necessary, so not with each entry. Reads skip messages that are too old.
local SPARE = math.floor(TTL / 16)
local is_extended = now - h.kept >= SPARE or now < h.kept

-- Redis refuses a number below entries that another program has added: an epoch begins above them.
local function begin_above()
  redis.call('HSET', HEAD, 'run', '-')
  h = open_head(HEAD_TTL)
end

local function remember(seq)
  if NONCE then
    local receipt = h.epoch .. ' ' .. seq .. ' ' .. ID .. ' ' .. timestamp .. '  ' .. DIGEST
    redis.call('SET', NONCE, receipt, 'PX', NONCE_TTL)
  end
end
