-- Numbers, logs and publishes one text, once per nonce.
-- KEYS, ARGV[1] to [10] as in `once.lua`  [11] the text's JSON, still open
-- ARGV[12] number of the text that it replies to, if any
-- `beside()` makes the functions for what is beside the log: most texts need none.
-- Returns {0, epoch, seq, timestamp}, {3} if it replies to a number that was not assigned yet, or as `once.lua`.
local JSON, REPLY = ARGV[11], ARGV[12]
if REPLY and tonumber(REPLY) > h.seq then return {3} end

local reply = REPLY and {'r', REPLY} or {}
local seq, json = nil, nil
for attempt = 1, 2 do
  seq = digits(h.seq + 1)
  json = JSON .. ',"timestamp":"' .. timestamp .. '","seq":' .. seq .. '}'
  local added = nil
  if h.changed then
    -- Texts that were edited or deleted are not in the stream, so its length is not that of the log.
    added = redis.pcall('XADD', LOG, seq .. '-0', 't', digits(now), 'm', json, 'v', '1', unpack(reply))
  else
    added = redis.pcall('XADD', LOG, 'MAXLEN', MAX_MESSAGES, seq .. '-0', 't', digits(now), 'm', json, 'v', '1',
      unpack(reply))
  end
  if type(added) ~= 'table' then break end
  if attempt == 2 then return added end
  begin_above()
end
if is_extended then
  redis.call('HSET', HEAD, 'seq', seq, 'kept', digits(now))
  redis.call('PEXPIRE', LOG, TTL + SPARE)
  redis.call('PEXPIRE', HEAD, HEAD_TTL + SPARE)
  redis.call('PEXPIRE', CURSORS, HEAD_TTL + SPARE)
  redis.call('XTRIM', LOG, 'MINID', digits(beside().oldest_kept(h.seq + 1, now - TTL)))
else
  redis.call('HSET', HEAD, 'seq', seq)
end
if h.changed or REPLY then
  local made = beside()
  if h.changed then
    local bounds = made.upkeep()
    bounds.trim()
    if is_extended then bounds.expire(h.seq + 1) end
  end
  if REPLY then json = made.pages().as_now(seq, json, nil, REPLY) end
end
remember(seq)
redis.call(PUBLISH, CHANNEL, BUS_VERSION .. ' m ' .. h.epoch .. ' ' .. seq .. ' ' .. MARK .. '\n' .. json)
return {0, h.epoch, seq, timestamp}
