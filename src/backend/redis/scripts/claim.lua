-- Claims a dead node for its reaper, or asks whether the claim stands: one at a time undoes it.
-- KEYS[1] nodes  [2] the dead node's reaper
-- ARGV[1] dead node's id  [2] presence.lease, ms  [3] the reaper's id
-- Returns 1 if the node is dead and the reaper's to undo.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local renewed = redis.call('ZSCORE', KEYS[1], ARGV[1])
if renewed and now - tonumber(renewed) < tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[2], ARGV[3], 'NX', 'PX', ARGV[2])
if redis.call('GET', KEYS[2]) ~= ARGV[3] then return 0 end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
