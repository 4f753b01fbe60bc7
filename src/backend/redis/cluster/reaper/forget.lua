-- Removes a dead node whose rooms have all been reaped.
-- KEYS[1] nodes  [2] vitals of the nodes  [3] rooms of the dead node
-- KEYS[4] the generation that each node has restored  [5] the dead node's reaper  [6] clock
-- ARGV[1] dead node's id  [2] presence.lease, ms
-- Returns 1 if it is removed, 0 if it is living after all or has rooms left.
redis.call('DEL', KEYS[5])
local renewed = millis_of(redis.call('ZSCORE', KEYS[1], ARGV[1]))
if renewed and cluster_time(KEYS[6]) - renewed <= tonumber(ARGV[2]) then return 0 end
local list = redis.call('TYPE', KEYS[3]).ok
if list == 'set' then return 0 end
if list ~= 'none' then redis.call('DEL', KEYS[3]) end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[4], ARGV[1])
return 1
