-- Puts rooms with sessions of a node on the node's list, for its reaper, or for the node itself if it is living.
-- KEYS[1] rooms of the node  [2] nodes  [3] which generation each node has restored its sessions in
-- ARGV[1] node id  [2…] rooms
-- Returns the number of missing entries; all rooms if the node was unknown.
local missing = 0
for i = 2, #ARGV do missing = missing + call('SADD', KEYS[1], ARGV[i]) end
-- An unknown node gets a lease that has expired long ago. A living node has a newer one, which stays.
if redis.call('ZADD', KEYS[2], 'NX', 0, ARGV[1]) == 1 then return #ARGV - 1 end
if missing > 0 then redis.call('HSET', KEYS[3], ARGV[1], 'again') end
return missing
