-- Prepended to scripts that tell where the log of a room stands as they change its members, behind `replid.lua`.

-- Epoch and number of the head that `fence.lua` writes; twice '' unless it was opened under this replication id.
local function known_head(head)
  local h = redis.pcall('HMGET', head, 'epoch', 'seq', 'run')
  -- A key of another type: the scripts of the log tell of it.
  if h.err or h[3] ~= REPLID then return '', '' end
  local is_ours = string.find(h[1] or '', '^%w+$') and string.find(h[2] or '', '^%d+$')
  if not is_ours then return '', '' end
  return h[1], h[2]
end
