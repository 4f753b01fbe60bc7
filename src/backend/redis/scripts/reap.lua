-- Takes the sessions of a dead node out of one room.
-- KEYS[1] members  [2] lingering of the room  [3] rooms  [4] rooms of the dead node  [5] lingering index  [6] nodes
-- ARGV[1] room  [2] channel  [3] presence.announce_up_to  [4] dead node's id  [5] presence.linger, ms
-- ARGV[6] presence.lease, ms
-- Returns the number of sessions removed, or -1 if the node lives after all.
local renewed = redis.call('ZSCORE', KEYS[6], ARGV[4])
if renewed and now_millis() - tonumber(renewed) < tonumber(ARGV[6]) then return -1 end
local kept, gone = {}, {}
for _, entry in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if node_of(entry) == ARGV[4] then
    redis.call('SREM', KEYS[1], entry)
    gone[#gone + 1] = entry
  else
    kept[#kept + 1] = entry
  end
end
redis.call('SREM', KEYS[4], ARGV[1])
if #kept == 0 then redis.call('SREM', KEYS[3], ARGV[1]) end
if #gone == 0 then return 0 end
if #kept + #gone <= tonumber(ARGV[3]) then
  local present = users_among(kept)
  for _, entry in ipairs(gone) do
    local user = user_of(entry)
    if not present[user] then
      present[user] = true
      linger(KEYS[2], KEYS[5], ARGV[1], user, name_of(entry), tonumber(ARGV[5]))
    end
  end
end
tell_count(ARGV[2], #kept)
return #gone
