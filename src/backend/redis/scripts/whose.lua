-- Whose sessions are in a room.
-- KEYS[1] members
-- Returns the ids of nodes, each once.
local nodes, seen = {}, {}
for _, entry in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local node = user_of(entry) ~= '' and node_of(entry)
  if node and not seen[node] then
    seen[node] = true
    nodes[#nodes + 1] = node
  end
end
return nodes
