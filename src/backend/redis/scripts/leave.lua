-- Takes a session out of a room.
-- KEYS[1] members  [2] lingering of the room  [3] rooms  [4] rooms of the session's node  [5] lingering index
-- ARGV[1] room  [2] channel  [3] presence.announce_up_to  [4] entry  [5] connection id
-- ARGV[6] id for the notice  [7] ms that the notice waits, 0: it is sent now
-- Returns 1 if the session was in the room.
local entry = ARGV[4]
if redis.call('SREM', KEYS[1], entry) == 0 then return 0 end
local count = redis.call('SCARD', KEYS[1])
local is_big = count + 1 > tonumber(ARGV[3])
local others = is_big and {} or redis.call('SMEMBERS', KEYS[1])
if count == 0 then redis.call('SREM', KEYS[3], ARGV[1]) end
-- Only if it is sure: a room missing from the node's set would be missed by its reaper, a room too
-- many there costs the reaper one look.
local is_last_of_node = not is_big
for _, other in ipairs(others) do
  if node_of(other) == node_of(entry) then is_last_of_node = false break end
end
if is_last_of_node then redis.call('SREM', KEYS[4], ARGV[1]) end
local user, name = user_of(entry), name_of(entry)
if is_big or users_among(others)[user] then
  tell_count(ARGV[2], count)
elseif tonumber(ARGV[7]) > 0 then
  linger(KEYS[2], KEYS[5], ARGV[1], user, name, tonumber(ARGV[7]))
  tell_count(ARGV[2], count)
else
  tell_notice(ARGV[2], 'l', ARGV[6], ARGV[5], user, name, count)
end
return 1
