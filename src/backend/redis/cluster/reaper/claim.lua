-- Claims a dead node for its reaper, or renews the claim: one reaper at a time.
-- KEYS[1] nodes  [2] the dead node's reaper  [3] clock
-- ARGV[1] dead node's id  [2] presence.lease, ms  [3] the reaper's id
-- Returns 1 if the node is dead and the claim is the reaper's.
local now, lease = cluster_time(KEYS[3]), tonumber(ARGV[2])
local renewed = millis_of(redis.call('ZSCORE', KEYS[1], ARGV[1]))
if renewed and now - renewed <= lease then return 0 end
return claim(KEYS[2], now, lease, ARGV[3]) and 1 or 0
