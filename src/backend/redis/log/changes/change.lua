-- Prepended to the scripts of changes, behind `upkeep.lua`: a change refers to a text of the log, and is appended to a
-- stream of its own under the next number of the room.
-- KEYS, ARGV[1] to [10] as in `once.lua`  [11] history.max_changes  [12] number of the text
-- ARGV[13] the user's id as JSON  [14] the change's JSON, still open, with an empty content
-- Returns {0, epoch, seq, timestamp, rest}, {3} if there is no such text, {4} if the user may not change it,
-- {5} if it has too many reactions, {6, epoch, timestamp} if nothing changed, or as `once.lua`.
-- rest: of a delete what else the JSON of its text had (mentions, files), each behind a comma.
local MAX_CHANGES, TARGET, USER, JSON = ARGV[11], ARGV[12], ARGV[13], ARGV[14]
since = now - TTL
-- The number of the change, once it is appended.
local seq = nil

-- The extras of a text that had no change yet.
local function first_extras(at, reply)
  return {at = at, edited = '-', reply = reply, where = 's', kinds = '', is_first = true}
end

-- The text: its JSON, and its extras (made, if there are none yet).
local function target()
  if tonumber(TARGET) > h.seq then return nil end
  local json, x, at, reply = find(TARGET)
  if not json then return nil end
  return json, x or first_extras(at, reply)
end

-- Appends the change. `edited`: of an edit its JSON with its content, which is stored with its text alone. Returns the
-- JSON to publish, or nil and a refusal.
local function append(edited)
  local before = h.changed and digits(h.changed) or '0'
  for attempt = 1, 2 do
    seq = digits(h.seq + 1)
    local ending = ',"timestamp":"' .. timestamp .. '","seq":' .. seq .. '}'
    local added = nil
    if edited then
      added = redis.pcall('XADD', CHANGES, 'MAXLEN', '=', MAX_CHANGES, seq .. '-0', 't', digits(now),
        'm', JSON .. ending, 'v', '1', 'p', before, 'e', TARGET)
    else
      added = redis.pcall('XADD', CHANGES, 'MAXLEN', '=', MAX_CHANGES, seq .. '-0', 't', digits(now),
        'm', JSON .. ending, 'v', '1', 'p', before)
    end
    if type(added) ~= 'table' then return (edited or JSON) .. ending end
    if attempt == 2 then return nil, added end
    begin_above()
  end
end

-- Keeps what the text is now, with a further field and its value, and publishes the change. A text that leaves the
-- stream is removed from it.
local function finish(x, json, rest, ...)
  if x.is_leaving then
    redis.call('XDEL', LOG, TARGET .. '-0')
    redis.call('HINCRBY', STATE, 'moved', 1)
  end
  local extras = seq .. ' ' .. x.at .. ' ' .. x.edited .. ' ' .. x.reply .. ' ' .. x.where .. x.kinds
  redis.call('HSET', STATE, 'x' .. TARGET, extras, ...)
  if x.is_first then
    redis.call('ZADD', ALTERED, TARGET, TARGET)
    redis.call('PEXPIRE', ALTERED, TTL + SPARE)
  end
  if is_extended then
    redis.call('HSET', HEAD, 'seq', seq, 'changed', seq, 'kept', digits(now))
    redis.call('PEXPIRE', LOG, TTL + SPARE)
    redis.call('PEXPIRE', HEAD, HEAD_TTL + SPARE)
    redis.call('PEXPIRE', CURSORS, HEAD_TTL + SPARE)
    upkeep().expire(h.seq + 1)
  else
    redis.call('HSET', HEAD, 'seq', seq, 'changed', seq)
    if not h.changed then upkeep().extend() end
  end
  remember(seq)
  publish(CHANNEL, 'm ' .. h.epoch .. ' ' .. seq .. ' ' .. MARK .. '\n' .. json)
  return {0, h.epoch, seq, timestamp, rest}
end
