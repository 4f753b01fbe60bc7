-- Says the leave notice of a user who did not come back.
-- KEYS[1] members  [2] lingering of the room  [3] farewells of the room
-- ARGV[1] channel  [2] presence.announce_up_to  [3] user id  [4] id for the notice
-- Returns 0 if it is not due yet (the user came back and broke off again), else 1: it is said, or
-- there is nothing to say.
local waiting = redis.call('HGET', KEYS[2], ARGV[3])
if not waiting then return 1 end
local due, name = string.match(waiting, '^(%d+) (.*)$')
local now = now_millis()
if tonumber(due) > now then return 0 end
redis.call('HDEL', KEYS[2], ARGV[3])
local count = redis.call('SCARD', KEYS[1])
if count > tonumber(ARGV[2]) or has_session(redis.call('SMEMBERS', KEYS[1]), ARGV[3]) then
  return 1
end
redis.call('ZADD', KEYS[3], millis_text(now), ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', millis_text(now - FAREWELL_MILLIS))
redis.call('PEXPIRE', KEYS[3], FAREWELL_MILLIS)
tell_notice(ARGV[1], 'l', ARGV[4], '-', ARGV[3], name, count)
return 1
