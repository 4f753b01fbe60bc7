-- Behind the scripts of changes: gives the change its number, keeps what its text is now, and publishes it.
local before = h.changed or '0'
local seq, ending = nil, nil
for attempt = 1, 2 do
  seq = digits(h.seq + 1)
  ending = ',"timestamp":"' .. timestamp .. '","seq":' .. seq .. '}'
  local added = nil
  if where == 'e' and not IS_REACTION then
    added = redis.pcall('XADD', CHANGES, 'MAXLEN', MAX_CHANGES, seq .. '-0', 'm', JSON, 'a', ending, 'v', '2', 'p', before,
      'e', TARGET)
  else
    added = redis.pcall('XADD', CHANGES, 'MAXLEN', MAX_CHANGES, seq .. '-0', 'm', JSON, 'a', ending, 'v', '2', 'p', before)
  end
  if type(added) ~= 'table' then break end
  if attempt == 2 then return added end
  begin_above()
end
if further then further() end
if is_first and redis.call('ZADD', ALTERED, TARGET, TARGET) == 0 and is_leaving then
  -- It was in the stream, with reactions.
  kinds = string.match(redis.call('HGET', STATE, 'x' .. TARGET) or '', '^%d+ %d+ %S+ %S+ s(.*)$') or ''
end
if where == 'd' and kinds ~= '' then
  beside().upkeep().drop_reactions(TARGET, kinds)
  kinds = ''
end
local extras = seq .. ' ' .. at .. ' ' .. edited .. ' ' .. reply .. ' ' .. where .. kinds
if is_leaving then redis.call('XDEL', LOG, TARGET .. '-0') end
if value then
  redis.call('HSET', STATE, 'x' .. TARGET, extras, FIELD, value)
else
  redis.call('HSET', STATE, 'x' .. TARGET, extras)
end
-- The first change of a room.
local is_new = not h.changed
if is_new then h.moved, h.doomed = '0', '' end
-- Texts that are not in the stream are in both, so these are there already, with an expiry.
if is_first and h.moved == '0' and redis.call('PTTL', ALTERED) < 0 then
  redis.call('PEXPIRE', ALTERED, TTL + SPARE)
  redis.call('PEXPIRE', STATE, TTL + SPARE)
end
h.changed = seq
if is_leaving then h.moved = digits(h.moved + 1) end
if is_extended then
  redis.call('HSET', HEAD, 'seq', seq, 'changed', seq .. ' ' .. h.moved .. h.doomed, 'kept', digits(now))
  redis.call('PEXPIRE', LOG, TTL + SPARE)
  redis.call('PEXPIRE', HEAD, HEAD_TTL + SPARE)
  redis.call('PEXPIRE', CURSORS, HEAD_TTL + SPARE)
  beside().upkeep().expire(h.seq + 1)
else
  redis.call('HSET', HEAD, 'seq', seq, 'changed', seq .. ' ' .. h.moved .. h.doomed)
  if is_new then beside().upkeep().extend() end
end
remember(seq)
redis.call(PUBLISH, CHANNEL, BUS_VERSION .. ' m ' .. h.epoch .. ' ' .. seq .. ' ' .. MARK .. '\n' .. JSON .. content_now .. ending)
return {0, h.epoch, seq, timestamp, rest}
