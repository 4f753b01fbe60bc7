-- Takes the sessions of a dead node out of one room.
-- KEYS[1] members  [2] lingering of the room
-- ARGV[1] channel  [2] presence.announce_up_to  [3] dead node's id  [4] presence.linger, ms
-- Returns {sessions removed, sessions left, lingering user, the token of the notice, …}: also those who
-- lingered before, for a reaper may have died before it told.
local kept, gone = {}, {}
for _, entry in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if node_of(entry) == ARGV[3] then
    redis.call('SREM', KEYS[1], entry)
    gone[#gone + 1] = entry
  else
    kept[#kept + 1] = entry
  end
end
if #gone > 0 then
  if #kept + #gone <= tonumber(ARGV[2]) then
    local present = users_among(kept)
    for _, entry in ipairs(gone) do
      local user = user_of(entry)
      if not present[user] then
        present[user] = true
        linger(KEYS[2], user, name_of(entry), tonumber(ARGV[4]))
      end
    end
  end
  tell_count(ARGV[1], #kept)
end
local reply = {#gone, #kept}
append_lingering(reply, KEYS[2])
return reply
