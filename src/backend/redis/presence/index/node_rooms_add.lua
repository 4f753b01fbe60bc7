-- Adds rooms to a node's list before its sessions enter them, for its reaper.
-- KEYS[1] rooms of the node  [2] nodes  ARGV[1] node id  [2…] rooms
for i = 2, #ARGV do call('SADD', KEYS[1], ARGV[i]) end
-- A node that was reaped and has not noticed yet must be found by a reaper if it dies now.
redis.call('ZADD', KEYS[2], 'NX', 0, ARGV[1])
return 1
