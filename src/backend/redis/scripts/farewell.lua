-- Says the leave notice of a user who did not come back.
-- KEYS[1] members  [2] lingering of the room  [3] lingering index
-- ARGV[1] channel  [2] presence.announce_up_to  [3] user id  [4] id for the notice  [5] the index' entry
-- Returns 1 if the notice was sent.
local due = redis.call('ZSCORE', KEYS[3], ARGV[5])
-- Another node was first, or the user came back and broke off again: then it is not due yet.
if not due or tonumber(due) > now_millis() then return 0 end
redis.call('ZREM', KEYS[3], ARGV[5])
local name = redis.call('HGET', KEYS[2], ARGV[3])
if not name or name == '' then return 0 end
local count = redis.call('SCARD', KEYS[1])
if count > tonumber(ARGV[2]) or users_among(redis.call('SMEMBERS', KEYS[1]))[ARGV[3]] then
  redis.call('HDEL', KEYS[2], ARGV[3])
  return 0
end
redis.call('HSET', KEYS[2], ARGV[3], '')
tell_notice(ARGV[1], 'l', ARGV[4], '-', ARGV[3], name, count)
return 1
