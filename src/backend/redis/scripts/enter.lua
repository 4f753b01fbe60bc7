-- Puts a session into a room.
-- KEYS[1] members  [2] lingering of the room  [3] farewells of the room
-- ARGV[1] channel  [2] presence.announce_up_to  [3] entry  [4] connection id
-- ARGV[5] id for the notice  [6] most members to return
-- Returns {sessions, 1 if the room is told or 0, time of the join notice in ms or "" if none was sent,
-- {entry, entry, …}}.
local announce_up_to, entry, limit = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[6])
local user = user_of(entry)
local is_new = redis.call('SADD', KEYS[1], entry) == 1
local count = redis.call('SCARD', KEYS[1])
local is_back = redis.call('HDEL', KEYS[2], user) == 1
redis.call('ZREM', KEYS[3], user)
local members = count <= limit and redis.call('SMEMBERS', KEYS[1]) or redis.call('SRANDMEMBER', KEYS[1], limit)
local function is_here_already()
  local all = count <= limit and members or redis.call('SMEMBERS', KEYS[1])
  return has_session(all, user, entry)
end
local announced = ''
if is_new then
  if count <= announce_up_to and not is_back and not is_here_already() then
    announced = millis_text(now_millis())
    tell_notice(ARGV[1], 'j', ARGV[5], ARGV[4], user, name_of(entry), count)
  else
    tell_count(ARGV[1], count, ARGV[4])
  end
end
return {count, is_new and 1 or 0, announced, members}
