-- Renews a node's lease and returns the due maintenance.
-- KEYS[1] nodes (score: last renewal, ms)  [2] clock of all renewals  [3] vitals of the nodes
-- KEYS[4] schedule of leave notices  [5] the generation that each node has restored
-- KEYS[6] the node's reaper, if any  [7] figures of all nodes
-- ARGV[1] node id  [2] presence.lease, ms  [3] presence.leave_grace, ms  [4] ms without any renewal that mean that Redis
-- was away  [5] ms since the node started  [6] the node's vitals, JSON
-- ARGV[7] the generation that the node has restored its sessions in, '' if none
-- ARGV[8] the node's figures, '' if none  [9] ms for which figures are kept
-- ARGV[10…] the replication ids of other servers, in a Redis Cluster
-- Returns {1 if the lease was lost, {dead node, …}, {entry of a due leave notice, …}, generation, its age in ms,
-- {living node, the generation it has restored, …}, 1 if a sweep is due in this generation, replication id, Redis'
-- clock in ms, number of foreign entries, the oldest format that nodes must know}.
local node, lease = ARGV[1], tonumber(ARGV[2])
local leave_grace, away = tonumber(ARGV[3]), tonumber(ARGV[4])

local function read_clock()
  local fields =
    {'last', 'ahead', 'steady_since', 'away_since', 'histories', 'generation', 'began', 'swept', 'format'}
  local clock = {}
  for i, value in ipairs(redis.call('HMGET', KEYS[2], unpack(fields))) do clock[fields[i]] = value or nil end
  return clock
end

-- One read of all nodes answers three questions; idle nodes do nothing else. Returns the last renewal of this node and of
-- any, the nodes whose lease has run out, the living ones, this one first, and the number of foreign entries.
local function scan_leases(now)
  local scan = {foreign = 0, expired = {}, living = {node}}
  local renewals = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
  for i = 1, #renewals, 2 do
    local id, at = renewals[i], millis_of(renewals[i + 1]) or 0
    if not string.find(id, '^%x+%-%x+%-%x+%-%x+%-%x+$') then
      scan.foreign = scan.foreign + 1
    else
      if at > now then
        -- No renewal is later than now: the clock was lost, or another program has set the time.
        at = now
        redis.call('ZADD', KEYS[1], text_of(now), id)
      end
      if not scan.newest or at > scan.newest then scan.newest = at end
      if id == node then
        scan.renewed = at
      elseif now - at > lease then
        scan.expired[#scan.expired + 1] = id
      else
        scan.living[#scan.living + 1] = id
      end
    end
  end
  return scan
end

-- While Redis is suspended, down or loading no node can renew, so all look dead afterwards. No node is declared
-- dead, and no leave notice sent, before all have had a whole lease to renew. Returns the end of the last such pause, and
-- the last renewal before it.
local function settle_pause(clock, newest, now)
  local steady_since = millis_of(clock.steady_since)
  if not newest or now - newest > away or not steady_since or steady_since > now then
    return now, newest and text_of(newest) or ''
  end
  return steady_since, clock.away_since or ''
end

-- A generation is a period without loss of data. A new replication id starts another: every node must restore its
-- sessions, and until all have, membership reads fail. Returns the replication ids so far, the generation and its start.
local function settle_generation(clock, replids, now)
  local histories, generation, began = clock.histories or '', clock.generation, millis_of(clock.began)
  if generation and not string.find(generation, '^%x+$') then generation = nil end
  for _, replid in ipairs(replids) do
    if not string.find(histories, ' ' .. replid .. ' ', 1, true) then
      histories = ' ' .. replid .. string.sub(histories == '' and ' ' or histories, 1, 4096)
      generation = nil
    end
  end
  if not generation then generation, began = string.sub(redis.sha1hex(histories .. text_of(now)), 1, 16), now end
  if not began or began > now then began = now end
  return histories, generation, began
end

-- Each write is persisted, so only changes are written, and `last` occasionally: an older value lets the clock go
-- back by little.
local function write_clock(clock, now, values)
  local last, changes = millis_of(clock.last), {}
  values.last = (not last or now - last >= lease / 8) and text_of(now) or clock.last
  for field, value in pairs(values) do
    if clock[field] ~= value then
      changes[#changes + 1] = field
      changes[#changes + 1] = value
    end
  end
  if #changes > 0 then redis.call('HSET', KEYS[2], unpack(changes)) end
end

local function write_vitals(now, since_start, vitals)
  local written = redis.call('HGET', KEYS[3], node)
  if not written or string.match(written, '^%d+ (.*)$') ~= vitals then
    redis.call('HSET', KEYS[3], node, text_of(now - since_start) .. ' ' .. vitals)
  end
end

-- A failure is no reason to lose a lease: the key is of another type, or its newest entry is of a later time. Then the
-- figures begin anew. Old ones are removed in some seconds of each minute, for each written byte goes to a disk and to replicas.
local function append_figures(now, figures, kept)
  if figures == '' then return end
  local id = string.gsub(node, '-', '')
  local entry = {text_of(now) .. '-*', id, figures}
  if now % 60000 < 2000 then entry = {'MINID', '~', text_of(math.max(0, now - kept)), unpack(entry)} end
  for _ = 1, 2 do
    local added = redis.pcall('XADD', KEYS[7], unpack(entry))
    if type(added) ~= 'table' or not added.err then break end
    redis.call('DEL', KEYS[7])
  end
end

-- Removes from the schedule of leave notices whatever can't be meant.
local function correct_schedule(now)
  -- A leave that is scheduled beyond the grace period was scheduled by a clock that is lost.
  local longest = text_of(now + leave_grace)
  for _, entry in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '(' .. longest, '+inf', 'LIMIT', 0, 256)) do
    redis.call('ZADD', KEYS[4], longest, entry)
  end
  -- An entry that no node could read for a day is not of adda.
  redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', text_of(now - 86400000))
end

-- Returns the dead nodes and the due leave notices.
local function due_work(now, steady_since, expired)
  if now - steady_since < lease then return {}, {} end
  return expired, redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', text_of(now), 'LIMIT', 0, 4096)
end

-- Takes over the generation that this node has restored its sessions in. Returns the living nodes, each with its own, and
-- whether a sweep has found sessions of this node in rooms that are not on its list.
local function exchange_restored(living, own)
  local restored = redis.call('HMGET', KEYS[5], unpack(living))
  local must_resync = restored[1] == 'again'
  if restored[1] ~= own then redis.call('HSET', KEYS[5], node, own) end
  restored[1] = own
  local states = {}
  for i, id in ipairs(living) do
    states[#states + 1] = id
    states[#states + 1] = string.match(restored[i] or '', '^%x+$') or ''
  end
  return states, must_resync
end

local now, ahead = cluster_time(KEYS[2])
local clock, scan = read_clock(), scan_leases(now)
local replids = {unpack(ARGV, 10)}
replids[#replids + 1] = REPLID
local steady_since, away_since = settle_pause(clock, scan.newest, now)
local histories, generation, began = settle_generation(clock, replids, now)
write_clock(clock, now, {ahead = text_of(ahead), steady_since = text_of(steady_since), away_since = away_since,
  histories = histories, generation = generation, began = text_of(began)})
redis.call('ZADD', KEYS[1], text_of(now), node)
write_vitals(now, tonumber(ARGV[5]), ARGV[6])
append_figures(now, ARGV[8], tonumber(ARGV[9]))
correct_schedule(now)
local dead, due = due_work(now, steady_since, scan.expired)
-- A sweep starts after the living nodes have restored their sessions, so it finds less.
local is_unswept = clock.swept ~= generation and now - began >= 2 * lease
local states, must_resync = exchange_restored(scan.living, ARGV[7])
-- While a reaper works on this node it may remove restored sessions again.
local is_lost = not scan.renewed or now - scan.renewed > lease or must_resync or is_claimed(KEYS[6], now, lease)
return {is_lost and 1 or 0, dead, due, generation, text_of(now - began), states, is_unswept and 1 or 0, REPLID,
  text_of(redis_millis()), scan.foreign, text_of(millis_of(clock.format) or 0)}
