-- Prepended to every script that reads the members of a room.

-- The entries of a room's members between two bounds; none if the key is no sorted set.
local function range(members, from, to, ...)
  local entries = redis.pcall('ZRANGEBYLEX', members, from, to, ...)
  if not entries.err then return entries end
  if not string.find(entries.err, 'WRONGTYPE', 1, true) then error(entries.err, 0) end
  return {}
end

-- The bound behind all entries of a node: what follows a connection id is a version, and less than 255.
local function end_of_node(node) return '(' .. node .. string.rep('\255', 17) end

-- The entries of one node.
local function share_of(members, node) return range(members, '[' .. node, end_of_node(node)) end
