-- Notes that a node is about to enter rooms: what its reaper must undo.
-- KEYS[1] rooms of the node  [2] nodes  ARGV[1] node id  [2…] rooms
for i = 2, #ARGV do call('SADD', KEYS[1], ARGV[i]) end
-- A node that was forgotten and has not noticed yet must be found by a reaper if it dies now.
redis.call('ZADD', KEYS[2], 'NX', 0, ARGV[1])
return 1
