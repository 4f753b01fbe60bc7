-- Renews a node's lease and says what has fallen due.
-- KEYS[1] nodes (score: last renewal, ms)  [2] clock of all renewals  [3] what nodes say of themselves
-- KEYS[4] lingering index  [5] which generation each node has restored its sessions in
-- ARGV[1] node id  [2] presence.lease, ms  [3] the node's vitals, JSON
-- ARGV[4] ms without any renewal that mean that Redis was away
-- ARGV[5] the generation that the node has restored its sessions in, '' if none
-- Returns {1 if the lease was lost, {dead node, …}, {"user room" whose leave notice is due, …},
-- generation, its age in ms, {living node, the generation it has restored, …}}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local node, lease = ARGV[1], tonumber(ARGV[2])
local renewed = redis.call('ZSCORE', KEYS[1], node)
local clock = redis.call('HMGET', KEYS[2], 'last', 'steady_since', 'run', 'generation', 'began')
local last, steady_since = tonumber(clock[1]), tonumber(clock[2])
local generation, began = clock[4], tonumber(clock[5])

-- While Redis is frozen, down or loading nobody can renew, so everybody looks dead afterwards.
-- Nobody is taken for dead, and no farewell said, before all have had a whole lease to renew.
if not last or not steady_since or now - last > tonumber(ARGV[4]) then steady_since = now end

-- A generation is a stretch in which Redis forgot nothing. With a new one each node must put its
-- sessions back, and till all have, nobody can say who is where.
if clock[3] ~= RUN or not generation then
  generation, began = string.sub(RUN, 1, 16) .. '-' .. string.format('%.0f', now), now
end
redis.call('HSET', KEYS[2], 'last', string.format('%.0f', now), 'steady_since', string.format('%.0f', steady_since),
  'run', RUN, 'generation', generation, 'began', string.format('%.0f', began))
redis.call('ZADD', KEYS[1], string.format('%.0f', now), node)
redis.call('HSET', KEYS[3], node, ARGV[3])
redis.call('HSET', KEYS[5], node, ARGV[5])

local dead, due = {}, {}
if now - steady_since >= lease then
  dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - lease))
  due = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', string.format('%.0f', now), 'LIMIT', 0, 256)
end
local living = redis.call('ZRANGEBYSCORE', KEYS[1], string.format('%.0f', now - lease), '+inf')
local restored = redis.call('HMGET', KEYS[5], unpack(living))
local states = {}
for i, id in ipairs(living) do
  states[#states + 1] = id
  states[#states + 1] = restored[i] or ''
end
local is_lost = not renewed or now - tonumber(renewed) > lease
return {is_lost and 1 or 0, dead, due, generation, now - began, states}
