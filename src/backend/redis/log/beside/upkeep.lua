-- Prepended to scripts that write beside the log, behind `once.lua` and `texts.lua`.

-- The functions that keep the bounds of the log.
local function upkeep()
  -- Reactions of a lane that one call removes at most.
  local REMOVED = 100
  local texts = {}

  -- Removes reactions of a lane that belongs to no text any more. Returns whether all are gone.
  local function sweep(lane)
    local from, to = digits(lane * LANE), '(' .. digits((lane + 1) * LANE)
    local members = redis.call('ZRANGEBYSCORE', REACTIONS, from, to, 'LIMIT', 0, REMOVED)
    if #members > 0 then redis.call('ZREM', REACTIONS, unpack(members)) end
    return #members < REMOVED
  end

  local function write_head()
    redis.call('HSET', HEAD, 'changed', h.changed .. ' ' .. h.moved .. h.doomed)
  end

  -- Removes the reactions to a text by their kinds; where there are many, the rest is left to later calls. The caller writes the head.
  function texts.drop_reactions(seq, kinds)
    local fields = {}
    for emoji in string.gmatch(kinds, '%S+') do fields[#fields + 1] = 'l' .. seq .. ' ' .. emoji end
    if #fields == 0 then return end
    for _, found in ipairs(redis.call('HMGET', STATE, unpack(fields))) do
      local lane = string.match(found or '', '^%d+')
      if lane and not sweep(lane) then
        redis.call('HSET', STATE, 'doomed', lane .. ' ' .. (redis.call('HGET', STATE, 'doomed') or ''))
        h.doomed = ' d'
      end
    end
    redis.call('HDEL', STATE, unpack(fields))
  end

  -- Removes what belongs to texts that have left the log.
  local function forget(numbers)
    if #numbers == 0 then return end
    local fields, gone = {}, 0
    for i, seq in ipairs(numbers) do fields[i] = 'x' .. seq end
    local found = redis.call('HMGET', STATE, unpack(fields))
    for i, seq in ipairs(numbers) do
      local x = parsed(found[i])
      if x then
        texts.drop_reactions(seq, x.kinds)
        if x.where ~= 's' then gone = gone + 1 end
      end
      fields[#fields + 1] = 'm' .. seq
    end
    redis.call('HDEL', STATE, unpack(fields))
    redis.call('ZREM', ALTERED, unpack(numbers))
    h.moved = digits(math.max(h.moved - gone, 0))
    write_head()
  end

  -- Removes the oldest texts, `count` of `length` that the stream has and those that are not in it.
  local function drop_oldest(count, length)
    local entries = redis.call('XRANGE', LOG, '-', '+', 'COUNT', count)
    local numbers = redis.call('ZRANGE', ALTERED, 0, count - 1)
    -- They may be lost alone.
    if #numbers == 0 and h.moved ~= '0' then
      h.moved = '0'
      write_head()
    end
    local dropped, forgotten = 0, {}
    for _ = 1, count do
      local entry, altered = entries[dropped + 1], whole(numbers[#forgotten + 1] or '')
      local oldest = entry and tonumber(string.match(entry[1], '^%d+'))
      if oldest and not (altered and altered < oldest) then dropped = dropped + 1 end
      if altered and not (oldest and oldest < altered) then forgotten[#forgotten + 1] = digits(altered) end
    end
    if dropped > 0 then redis.call('XTRIM', LOG, 'MAXLEN', '=', digits(length - dropped)) end
    forget(forgotten)
  end

  -- Holds the log to its number of texts, a few a call.
  function texts.trim()
    local length = redis.call('XLEN', LOG)
    local excess = math.min(length + h.moved - MAX_MESSAGES, 16)
    if excess > 0 then drop_oldest(excess, length) end
    if h.doomed == '' then return end
    local lane, rest = string.match(redis.call('HGET', STATE, 'doomed') or '', '^(%d+) ?(.*)$')
    if lane and sweep(lane) then redis.call('HSET', STATE, 'doomed', rest) end
    if not lane then
      h.doomed = ''
      write_head()
    end
  end

  -- Lets all live as long as the newest text.
  function texts.extend()
    for _, key in ipairs({CHANGES, STATE, ALTERED, REACTIONS}) do redis.call('PEXPIRE', key, TTL + SPARE) end
  end

  -- Extends their lives, and removes what belongs to texts that are too old, a few a call.
  function texts.expire(newest)
    texts.extend()
    local bottom = oldest_kept(newest, since)
    local forgotten = {}
    for _, seq in ipairs(redis.call('ZRANGEBYSCORE', ALTERED, '-inf', '(' .. digits(bottom), 'LIMIT', 0, 64)) do
      local x = parsed(redis.call('HGET', STATE, 'x' .. seq))
      if x and x.where ~= 's' and tonumber(x.at) >= since then
        bottom = tonumber(seq)
        break
      end
      forgotten[#forgotten + 1] = seq
    end
    forget(forgotten)
    -- A reader whose place is before the oldest text is told of a gap.
    redis.call('XTRIM', CHANGES, 'MINID', digits(bottom))
  end

  return texts
end
