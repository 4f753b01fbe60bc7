-- Changes the rules of a room, and publishes that they have changed. Ended mutes and kicks are removed.
-- KEYS[1] rules
-- ARGV[1] channel  [2] `mute`, `unmute`, `lock`, `unlock` or `kick`  [3] the user, if it is about one
-- ARGV[4] how long a mute lasts, ms  [5] mutes and kicks of a room, at most  [6] how long a kick is kept, ms
-- Returns 0 if there would be too many mutes and kicks, else 1.
if not may_publish(ARGV[1]) then return redis.error_reply('NOPERM no right to publish') end
local now, what, kick_kept = redis_millis(), ARGV[2], tonumber(ARGV[6])
local version = math.max(now, (millis_of(call('HGET', KEYS[1], 'version')) or 0) + 1)
local fields, count, last = redis.call('HGETALL', KEYS[1]), 0, now + kick_kept
for i = 1, #fields, 2 do
  local kind, at = string.sub(fields[i], 1, 2), millis_of(fields[i + 1])
  local ends = at and (kind == 'm:' and at or kind == 'k:' and at + kick_kept)
  if ends and ends <= now then
    redis.call('HDEL', KEYS[1], fields[i])
  elseif ends then
    count, last = count + 1, math.max(last, ends)
  end
end

-- Sets a field, unless it is one too many.
local function set(field, value)
  if count >= tonumber(ARGV[5]) and redis.call('HEXISTS', KEYS[1], field) == 0 then return false end
  redis.call('HSET', KEYS[1], field, value)
  return true
end

local is_set = true
if what == 'mute' then
  local ends = now + ARGV[4]
  is_set, last = set('m:' .. ARGV[3], text_of(ends)), math.max(last, ends)
elseif what == 'unmute' then
  redis.call('HDEL', KEYS[1], 'm:' .. ARGV[3])
elseif what == 'lock' then
  redis.call('HSET', KEYS[1], 'locked', '1')
elseif what == 'unlock' then
  redis.call('HDEL', KEYS[1], 'locked')
else
  is_set = set('k:' .. ARGV[3], text_of(version))
end
if not is_set then return 0 end
redis.call('HSET', KEYS[1], 'version', text_of(version))
if redis.call('HEXISTS', KEYS[1], 'locked') == 1 then
  redis.call('PERSIST', KEYS[1])
else
  redis.call('PEXPIREAT', KEYS[1], text_of(last))
end
publish(ARGV[1], 'r')
return 1
