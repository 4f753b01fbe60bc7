-- Puts a session into a room.
-- KEYS[1] members  [2] lingering of the room  [3] rooms  [4] rooms of the session's node
-- KEYS[5] lingering index, not used  [6] nodes  [7] farewells of the room
-- ARGV[1] room  [2] channel  [3] presence.announce_up_to  [4] entry  [5] connection id
-- ARGV[6] id for the notice  [7] most members to return
-- Returns {sessions, time of the join notice in ms or "" if none was sent, entry, entry, …}.
local entry = ARGV[4]
local user, name = user_of(entry), name_of(entry)
local before = redis.call('SCARD', KEYS[1])
local others = before <= tonumber(ARGV[3]) and redis.call('SMEMBERS', KEYS[1]) or {}
local is_new = redis.call('SADD', KEYS[1], entry) == 1
redis.call('SADD', KEYS[3], ARGV[1])
redis.call('SADD', KEYS[4], ARGV[1])
-- A node that was forgotten and has not noticed yet must be found by a reaper if it dies now.
redis.call('ZADD', KEYS[6], 'NX', 0, node_of(entry))
local count = before + (is_new and 1 or 0)
local is_back = redis.call('HDEL', KEYS[2], user) == 1
redis.call('ZREM', KEYS[7], user)
local announced = ''
if is_new then
  if count <= tonumber(ARGV[3]) and not is_back and not users_among(others)[user] then
    announced = millis_text(now_millis())
    tell_notice(ARGV[2], 'j', ARGV[6], ARGV[5], user, name, count)
  else
    tell_count(ARGV[2], count)
  end
end
local reply = {count, announced}
local limit = tonumber(ARGV[7])
local members = count <= limit and redis.call('SMEMBERS', KEYS[1]) or redis.call('SRANDMEMBER', KEYS[1], limit)
for _, member in ipairs(members) do reply[#reply + 1] = member end
return reply
