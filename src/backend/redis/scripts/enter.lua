-- Puts a session into a room.
-- KEYS[1] members  [2] lingering of the room  [3] farewells of the room
-- ARGV[1] channel  [2] presence.announce_up_to  [3] entry  [4] connection id
-- ARGV[5] id for the notice  [6] most members to return
-- Returns {sessions, time of the join notice in ms or "" if none was sent, entry, entry, …}.
local entry = ARGV[3]
local user, name = user_of(entry), name_of(entry)
local before = redis.call('SCARD', KEYS[1])
local others = before <= tonumber(ARGV[2]) and redis.call('SMEMBERS', KEYS[1]) or {}
local is_new = redis.call('SADD', KEYS[1], entry) == 1
local count = before + (is_new and 1 or 0)
local is_back = redis.call('HDEL', KEYS[2], user) == 1
redis.call('ZREM', KEYS[3], user)
local announced = ''
if is_new then
  if count <= tonumber(ARGV[2]) and not is_back and not users_among(others)[user] then
    announced = millis_text(now_millis())
    tell_notice(ARGV[1], 'j', ARGV[5], ARGV[4], user, name, count)
  else
    tell_count(ARGV[1], count)
  end
end
local reply = {count, announced}
local limit = tonumber(ARGV[6])
local members = count <= limit and redis.call('SMEMBERS', KEYS[1]) or redis.call('SRANDMEMBER', KEYS[1], limit)
for _, member in ipairs(members) do reply[#reply + 1] = member end
return reply
