-- Renews a node's lease and says what has fallen due.
-- KEYS[1] nodes (score: last renewal, ms)  [2] clock of all renewals  [3] what nodes say of themselves
-- KEYS[4] due leave notices  [5] which generation each node has restored its sessions in
-- KEYS[6] the node's reaper, if any
-- ARGV[1] node id  [2] presence.lease, ms  [3] the node's vitals, JSON
-- ARGV[4] ms without any renewal that mean that Redis was away
-- ARGV[5] the generation that the node has restored its sessions in, '' if none
-- ARGV[6…] the histories that the node has found other servers in, in a Redis Cluster
-- Returns {1 if the lease was lost, {dead node, …}, {"user room" whose leave notice is due, when, …},
-- generation, its age in ms, {living node, the generation it has restored, …}, 1 if it is time to go through
-- all rooms once in this generation}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end
local node, lease = ARGV[1], tonumber(ARGV[2])
local renewals = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
local clock = redis.call('HMGET', KEYS[2], 'last', 'steady_since', 'histories', 'generation', 'began', 'away_since',
  'swept')
local last, steady_since = tonumber(clock[1]), tonumber(clock[2])
local histories, generation, began = clock[3] or '', clock[4], tonumber(clock[5])

-- While Redis is frozen, down or loading nobody can renew, so everybody looks dead afterwards.
-- Nobody is taken for dead, and no farewell said, before all have had a whole lease to renew.
local away_since = clock[6] or ''
if not last or not steady_since or now - last > tonumber(ARGV[4]) then
  steady_since, away_since = now, clock[1] or ''
end

-- A generation is a stretch in which Redis forgot nothing. With a history that nobody has told of
-- before there begins a new one: each node must put its sessions back, and till all have, nobody can
-- say who is where.
ARGV[#ARGV + 1] = RUN
for i = 6, #ARGV do
  if not string.find(histories, ' ' .. ARGV[i] .. ' ', 1, true) then
    histories = ' ' .. ARGV[i] .. string.sub(histories == '' and ' ' or histories, 1, 4096)
    generation = nil
  end
end
if not generation then generation, began = string.sub(redis.sha1hex(histories .. text(now)), 1, 16), now end
redis.call('HSET', KEYS[2], 'last', text(now), 'steady_since', text(steady_since),
  'histories', histories, 'generation', generation, 'began', text(began),
  'away_since', away_since)
redis.call('ZADD', KEYS[1], text(now), node)
redis.call('HSET', KEYS[3], node, ARGV[3])

-- One look at all nodes serves three questions; idle nodes do nothing but this.
local renewed, expired, living = nil, {}, {node}
for i = 1, #renewals, 2 do
  local id, at = renewals[i], tonumber(renewals[i + 1])
  if id == node then
    renewed = at
  elseif now - at > lease then
    expired[#expired + 1] = id
  else
    living[#living + 1] = id
  end
end
local dead, due = {}, {}
if now - steady_since >= lease then
  dead = expired
  due = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', text(now), 'WITHSCORES', 'LIMIT', 0, 4096)
end
-- Later than the living need to put their sessions back: less is left to be found.
local is_unswept = clock[7] ~= generation and now - began >= 2 * lease
local restored = redis.call('HMGET', KEYS[5], unpack(living))
-- A sweep has found sessions of this node where it was not known to be.
local is_called = restored[1] == 'again'
if restored[1] ~= ARGV[5] then redis.call('HSET', KEYS[5], node, ARGV[5]) end
restored[1] = ARGV[5]
local states = {}
for i, id in ipairs(living) do
  states[#states + 1] = id
  states[#states + 1] = restored[i] or ''
end
-- While somebody reaps this node what it has put back may be taken out again.
local is_lost = not renewed or now - renewed > lease or is_called or redis.call('EXISTS', KEYS[6]) == 1
return {is_lost and 1 or 0, dead, due, generation, text(now - began), states, is_unswept and 1 or 0}
