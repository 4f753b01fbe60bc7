-- Claims or renews the sweep of all rooms: one node at a time does it.
-- KEYS[1] clock  [2] the claim
-- ARGV[1] node id  [2] presence.lease, ms  [3] the generation to mark as swept, '' while the sweep runs
-- Returns 1 if the claim is the node's.
if ARGV[3] == '' then return claim(KEYS[2], cluster_time(KEYS[1]), tonumber(ARGV[2]), ARGV[1]) and 1 or 0 end
redis.call('HSET', KEYS[1], 'swept', ARGV[3])
redis.call('DEL', KEYS[2])
return 1
