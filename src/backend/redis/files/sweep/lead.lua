-- Takes or renews the lease of the node that searches for files to remove.
-- KEYS[1] sweeper  ARGV[1] node  [2] ms
-- Returns whether the node has it.
local leader = call('GET', KEYS[1])
if leader and leader ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
