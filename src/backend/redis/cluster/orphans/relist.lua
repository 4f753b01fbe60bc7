-- Puts rooms in which sessions of a node were found on the node's list, for somebody to look there: its
-- reaper, or the node itself if it lives.
-- KEYS[1] rooms of the node  [2] nodes  [3] which generation each node has restored its sessions in
-- ARGV[1] node id  [2…] rooms
-- Returns how many were not on the list, or were on that of a node which is forgotten.
local missing = 0
for i = 2, #ARGV do missing = missing + call('SADD', KEYS[1], ARGV[i]) end
-- As long dead: whoever lives stands there by its renewals, and is left as it is.
if redis.call('ZADD', KEYS[2], 'NX', 0, ARGV[1]) == 1 then return #ARGV - 1 end
if missing > 0 then redis.call('HSET', KEYS[3], ARGV[1], 'again') end
return missing
