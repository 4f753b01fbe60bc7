-- Removes rooms from the index that were seen empty, unless a session has entered since.
-- KEYS[1] rooms  [2] versions of rooms
-- ARGV room, its version as read *before* it was seen empty ('' if none), …
local removed = 0
for i = 1, #ARGV, 2 do
  if (call('HGET', KEYS[2], ARGV[i]) or '') == ARGV[i + 1] then
    removed = removed + call('ZREM', KEYS[1], ARGV[i])
    redis.call('HDEL', KEYS[2], ARGV[i])
  end
end
return removed
