-- Makes one node's share of a room's members exactly what the node says.
-- KEYS[1] members  [2] lingering of the room  [3] farewells of the room
-- ARGV[1] channel  [2] presence.announce_up_to  [3] node id  [4] presence.linger, ms
-- ARGV[5] seed for ids of notices  [6] 1 if the number of sessions is told  [7…] the node's entries
-- Returns {entries added or removed, sessions, lingering user, the token of the notice, …}.
local wanted = {}
for i = 7, #ARGV do wanted[ARGV[i]] = true end
local kept, removed = {}, {}
for _, entry in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if node_of(entry) == ARGV[3] and not wanted[entry] then
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
local reply = {#added + #removed, count}
if #added + #removed > 0 then
  local present, coming = users_among(kept), users_among(added)
  local is_big = count > tonumber(ARGV[2])
  for i, entry in ipairs(added) do
    local user = user_of(entry)
    -- Nobody was told that these went, unless their farewell was said: then they come back aloud.
    if redis.call('ZREM', KEYS[3], user) == 1 and not present[user] and not is_big then
      tell_notice(ARGV[1], 'j', nth_id(ARGV[5], i), '-', user, name_of(entry), count)
    end
    redis.call('HDEL', KEYS[2], user)
    present[user] = true
  end
  for _, entry in ipairs(removed) do
    local user = user_of(entry)
    if not present[user] and not coming[user] and not is_big then
      linger(KEYS[2], user, name_of(entry), tonumber(ARGV[4]))
    end
  end
  if ARGV[6] == '1' then tell_count(ARGV[1], count) end
end
append_lingering(reply, KEYS[2])
return reply
