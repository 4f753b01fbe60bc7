-- Stores a secret of the cluster: the current one if there is none, else an earlier one.
-- KEYS[1] secret  [2] earlier ones  ARGV[1] the node's own, '' if it has none
-- Returns the one that signs and the earlier ones, nothing if there is none.
local own = ARGV[1]
if own ~= '' then redis.call('SET', KEYS[1], own, 'NX') end
local current = redis.call('GET', KEYS[1])
if not current then return {} end
if own ~= '' and own ~= current and not redis.call('ZSCORE', KEYS[2], own) then
  local newest = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')[2]
  redis.call('ZADD', KEYS[2], (tonumber(newest) or 0) + 1, own)
  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -9)
end
return {current, unpack(redis.call('ZRANGE', KEYS[2], 0, -1))}
