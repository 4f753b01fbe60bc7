-- Behind the scripts of changes: gives the change its number, keeps what its text is now, and publishes it.
local before = h.changed and digits(h.changed) or '0'
local seq, ending = nil, nil
for attempt = 1, 2 do
  seq = digits(h.seq + 1)
  ending = ',"timestamp":"' .. timestamp .. '","seq":' .. seq .. '}'
  local added = nil
  if where == 'e' and not IS_REACTION then
    added = redis.pcall('XADD', CHANGES, 'MAXLEN', '=', MAX_CHANGES, seq .. '-0', 't', digits(now),
      'm', JSON .. ending, 'v', '1', 'p', before, 'e', TARGET)
  else
    added = redis.pcall('XADD', CHANGES, 'MAXLEN', '=', MAX_CHANGES, seq .. '-0', 't', digits(now),
      'm', JSON .. ending, 'v', '1', 'p', before)
  end
  if type(added) ~= 'table' then break end
  if attempt == 2 then return added end
  begin_above()
end
if further then further() end
local extras = seq .. ' ' .. at .. ' ' .. edited .. ' ' .. reply .. ' ' .. where .. kinds
if is_leaving then
  redis.call('XDEL', LOG, TARGET .. '-0')
  redis.call('HSET', STATE, 'x' .. TARGET, extras, FIELD, value, 'moved', digits(moved + 1))
elseif value then
  redis.call('HSET', STATE, 'x' .. TARGET, extras, FIELD, value)
else
  redis.call('HSET', STATE, 'x' .. TARGET, extras)
end
if is_first then
  redis.call('ZADD', ALTERED, TARGET, TARGET)
  -- Texts that are not in the stream are in both, so these are there already, with an expiry.
  if moved == 0 then
    redis.call('PEXPIRE', ALTERED, TTL + SPARE)
    redis.call('PEXPIRE', STATE, TTL + SPARE)
  end
end
if is_extended then
  redis.call('HSET', HEAD, 'seq', seq, 'changed', seq, 'kept', digits(now))
  redis.call('PEXPIRE', LOG, TTL + SPARE)
  redis.call('PEXPIRE', HEAD, HEAD_TTL + SPARE)
  redis.call('PEXPIRE', CURSORS, HEAD_TTL + SPARE)
  beside().upkeep().expire(h.seq + 1)
else
  redis.call('HSET', HEAD, 'seq', seq, 'changed', seq)
  if not h.changed then beside().upkeep().extend() end
end
remember(seq)
publish(CHANNEL, 'm ' .. h.epoch .. ' ' .. seq .. ' ' .. MARK .. '\n', opening, content_now, closing, ending)
return {0, h.epoch, seq, timestamp, rest}
