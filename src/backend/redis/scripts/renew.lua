-- Renews a node's lease and says what has fallen due.
-- KEYS[1] nodes (score: last renewal, ms)  [2] clock of all renewals  [3] what nodes say of themselves  [4] lingering index
-- ARGV[1] node id  [2] presence.lease, ms  [3] the node's vitals, JSON
-- ARGV[4] ms without any renewal that mean that Redis was away
-- Returns {1 if the lease was lost, {dead node, …}, {"user room" whose leave notice is due, …}}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease = tonumber(ARGV[2])
local renewed = redis.call('ZSCORE', KEYS[1], ARGV[1])
local clock = redis.call('HMGET', KEYS[2], 'last', 'steady_since')
local last, steady_since = tonumber(clock[1]), tonumber(clock[2])
-- While Redis is frozen, down or loading nobody can renew, so everybody looks dead afterwards.
-- Nobody is taken for dead, and no farewell said, before all have had a whole lease to renew.
if not last or not steady_since or now - last > tonumber(ARGV[4]) then steady_since = now end
redis.call('HSET', KEYS[2], 'last', string.format('%.0f', now), 'steady_since', string.format('%.0f', steady_since))
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[3])
local dead, due = {}, {}
if now - steady_since >= lease then
  dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - lease))
  due = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', string.format('%.0f', now), 'LIMIT', 0, 256)
end
local is_lost = not renewed or now - tonumber(renewed) > lease
return {is_lost and 1 or 0, dead, due}
