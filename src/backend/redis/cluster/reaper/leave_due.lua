-- Sends the leave notice of a user whose grace period is over.
-- KEYS[1] members  [2] pending leaves of the room  [3] announced leaves of the room
-- ARGV[1] channel  [2] presence.announce_up_to  [3] user id  [4] id for the notice  [5] the token of the notice
-- ARGV[6] the user as in entries
-- Returns 1. If the user has returned, the token is gone. If that connection was lost again, another token is
-- pending; only the schedule has its time.
local token, name = string.match(call('HGET', KEYS[2], ARGV[3]) or '', '^(%d+) (.*)$')
if token ~= ARGV[5] then return 1 end
redis.call('HDEL', KEYS[2], ARGV[3])
local count = call('ZCARD', KEYS[1])
if count > tonumber(ARGV[2]) or has_session(redis.call('ZRANGE', KEYS[1], 0, -1), ARGV[6]) then
  return 1
end
local now = now_millis()
call('ZADD', KEYS[3], millis_text(now), ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', millis_text(now - ANNOUNCED_MILLIS))
redis.call('PEXPIRE', KEYS[3], ANNOUNCED_MILLIS)
publish_notice(ARGV[1], 'l', ARGV[4], '-', ARGV[3], name, count)
return 1
