-- Says the leave notice of a user who did not come back.
-- KEYS[1] members  [2] lingering of the room  [3] lingering index  [4] farewells of the room
-- ARGV[1] channel  [2] presence.announce_up_to  [3] user id  [4] id for the notice  [5] the index' entry
-- Returns 1 if the notice was sent.
local due = redis.call('ZSCORE', KEYS[3], ARGV[5])
-- Another node was first, or the user came back and broke off again: then it is not due yet.
if not due or tonumber(due) > now_millis() then return 0 end
redis.call('ZREM', KEYS[3], ARGV[5])
local name = redis.call('HGET', KEYS[2], ARGV[3])
if not name then return 0 end
redis.call('HDEL', KEYS[2], ARGV[3])
local count = redis.call('SCARD', KEYS[1])
if count > tonumber(ARGV[2]) or users_among(redis.call('SMEMBERS', KEYS[1]))[ARGV[3]] then
  return 0
end
local now = now_millis()
redis.call('ZADD', KEYS[4], millis_text(now), ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', millis_text(now - FAREWELL_MILLIS))
redis.call('PEXPIRE', KEYS[4], FAREWELL_MILLIS)
tell_notice(ARGV[1], 'l', ARGV[4], '-', ARGV[3], name, count)
return 1
