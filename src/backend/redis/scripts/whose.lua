-- Which nodes have sessions in a room.
-- KEYS[1] members
-- Returns their ids, raw, each once. What is no session is skipped.
local nodes, from = {}, '-'
while true do
  local entry = range(KEYS[1], from, '+', 'LIMIT', 0, 1)[1]
  if not entry then return nodes end
  local version = string.byte(entry, 33)
  if version and version > 0 and version < 32 then
    local node = string.sub(entry, 1, 16)
    nodes[#nodes + 1] = node
    from = behind(node)
  else
    from = '(' .. entry
  end
end
