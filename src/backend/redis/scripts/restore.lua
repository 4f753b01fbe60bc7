-- Makes one node's share of a room's members exactly what the node says.
-- KEYS[1] members  [2] lingering of the room  [3] rooms  [4] rooms of the node  [5] lingering index
-- KEYS[6] nodes  [7] farewells of the room
-- ARGV[1] room  [2] channel  [3] presence.announce_up_to  [4] node id  [5] presence.linger, ms
-- ARGV[6] seed for ids of notices  [7…] the node's entries
-- Returns the number of entries that were added or removed.
local wanted = {}
for i = 7, #ARGV do wanted[ARGV[i]] = true end
local kept, removed = {}, {}
for _, entry in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if node_of(entry) == ARGV[4] and not wanted[entry] then
    redis.call('SREM', KEYS[1], entry)
    removed[#removed + 1] = entry
  else
    kept[#kept + 1] = entry
    wanted[entry] = nil
  end
end
local added = {}
for entry in pairs(wanted) do
  redis.call('SADD', KEYS[1], entry)
  added[#added + 1] = entry
end
local count = #kept + #added
redis.call(count > 0 and 'SADD' or 'SREM', KEYS[3], ARGV[1])
redis.call(#ARGV > 6 and 'SADD' or 'SREM', KEYS[4], ARGV[1])
redis.call('ZADD', KEYS[6], 'NX', 0, ARGV[4])
if #added + #removed == 0 then return 0 end
local present, coming = users_among(kept), users_among(added)
local is_big = count > tonumber(ARGV[3])
for i, entry in ipairs(added) do
  local user = user_of(entry)
  -- Nobody was told that these went, unless their farewell was said: then they come back aloud.
  if redis.call('ZREM', KEYS[7], user) == 1 and not present[user] and not is_big then
    tell_notice(ARGV[2], 'j', nth_id(ARGV[6], i), '-', user, name_of(entry), count)
  end
  redis.call('HDEL', KEYS[2], user)
  present[user] = true
end
for _, entry in ipairs(removed) do
  local user = user_of(entry)
  if not present[user] and not coming[user] and not is_big then
    linger(KEYS[2], KEYS[5], ARGV[1], user, name_of(entry), tonumber(ARGV[5]))
  end
end
tell_count(ARGV[2], count)
return #added + #removed
