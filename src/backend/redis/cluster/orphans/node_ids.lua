-- Lists the nodes with sessions in a room.
-- KEYS[1] members
-- Returns {node ids, raw, each once; number of skipped entries that are no session}.
local nodes, skipped, from = {}, 0, '-'
while true do
  local entry = range(KEYS[1], from, '+', 'LIMIT', 0, 1)[1]
  if not entry then return { nodes, skipped } end
  local version = string.byte(entry, 33)
  if version and version > 0 and version < 32 then
    local node = string.sub(entry, 1, 16)
    nodes[#nodes + 1] = node
    from = end_of_node(node)
  else
    skipped = skipped + 1
    from = '(' .. entry
  end
end
