-- Prepended to scripts that write beside the log, behind `once.lua` and `beside.lua`. The reactions of one kind to one
-- text are a lane, numbered as they begin:
--   reactions  sorted set: "<lane> <JSON of the user's id>", its score lane * LANE + its place among those of the lane
local LANE = 4194304

-- Gives `texts` the functions that write.
local function write_beside(texts)
  -- Users of a lane that are shown, and reactions of a lane that one call removes at most.
  local USERS, REMOVED = 20, 100

  function texts.put(seq, x)
    local words = {x.changed, digits(x.at), x.edited, x.reply, x.where}
    redis.call('HSET', STATE, 'x' .. seq, table.concat(words, ' ') .. x.kinds, unpack(x.lane or {}))
  end

  -- --- reactions ---

  local function range_of(lane) return digits(lane * LANE), '(' .. digits((lane + 1) * LANE) end

  -- A lane: its next place, how many users it has, and the first of them.
  function texts.lane(lane)
    local place, count, users = string.match(redis.call('HGET', STATE, 'l' .. lane) or '', '^(%d+) (%d+) (.*)$')
    return tonumber(place or 0), tonumber(count or 0), users or ''
  end

  -- Is written with the extras of its text.
  local function put_lane(x, lane, place, count, users)
    x.lane = {'l' .. lane, digits(place) .. ' ' .. digits(count) .. ' ' .. users}
  end

  -- Whether all places of a lane were taken once.
  function texts.is_full(place) return place + 1 >= LANE end

  function texts.add_reaction(x, lane, user, place, count, users)
    redis.call('ZADD', REACTIONS, digits(lane * LANE + place), lane .. ' ' .. user)
    if count < USERS then users = count == 0 and user or users .. ',' .. user end
    put_lane(x, lane, place + 1, count + 1, users)
    if count == 0 then redis.call('PEXPIRE', REACTIONS, TTL + SPARE) end
  end

  -- Returns how many are left.
  function texts.remove_reaction(x, lane, user, place, count, users)
    redis.call('ZREM', REACTIONS, lane .. ' ' .. user)
    if count <= 1 then
      redis.call('HDEL', STATE, 'l' .. lane)
      return 0
    end
    if string.find(users, user, 1, true) then
      local from, to = range_of(lane)
      local first = redis.call('ZRANGEBYSCORE', REACTIONS, from, to, 'LIMIT', 0, USERS)
      for i, member in ipairs(first) do first[i] = string.match(member, '^%d+ (.*)$') end
      users = table.concat(first, ',')
    end
    put_lane(x, lane, place, count - 1, users)
    return count - 1
  end

  -- Removes reactions of a lane that belongs to no text any more. Returns whether all are gone.
  local function sweep(lane)
    local from, to = range_of(lane)
    local members = redis.call('ZRANGEBYSCORE', REACTIONS, from, to, 'LIMIT', 0, REMOVED)
    if #members > 0 then redis.call('ZREM', REACTIONS, unpack(members)) end
    return #members < REMOVED
  end

  -- Removes the reactions to a text; where there are many, the rest is left to later calls.
  function texts.drop_reactions(x)
    for lane in string.gmatch(x.kinds, '=(%d+)') do
      redis.call('HDEL', STATE, 'l' .. lane)
      if not sweep(lane) then
        redis.call('HSET', STATE, 'doomed', lane .. ' ' .. (redis.call('HGET', STATE, 'doomed') or ''))
      end
    end
    x.kinds = ''
  end

  -- --- the bounds of the log ---

  -- Removes what belongs to a text that has left the log.
  local function forget(seq)
    local x = texts.parsed(redis.call('HGET', STATE, 'x' .. seq))
    if x then
      texts.drop_reactions(x)
      if x.where ~= 's' then redis.call('HINCRBY', STATE, 'moved', -1) end
    end
    redis.call('HDEL', STATE, 'x' .. seq, 'm' .. seq)
    redis.call('ZREM', ALTERED, seq)
  end

  local function forget_oldest()
    local altered = whole(redis.call('ZRANGE', ALTERED, 0, 0)[1] or '')
    local first = redis.call('XRANGE', LOG, '-', '+', 'COUNT', 1)[1]
    local oldest = first and tonumber(string.match(first[1], '^%d+'))
    if oldest and not (altered and altered < oldest) then redis.call('XDEL', LOG, first[1]) end
    if altered and not (oldest and oldest < altered) then forget(digits(altered)) end
  end

  -- Holds the log to its number of texts, a few a call.
  function texts.trim()
    local kept = redis.call('HMGET', STATE, 'moved', 'doomed')
    local excess = redis.call('XLEN', LOG) + (whole(kept[1]) or 0) - MAX_MESSAGES
    for _ = 1, math.min(excess, 16) do forget_oldest() end
    local lane, rest = string.match(kept[2] or '', '^(%d+) ?(.*)$')
    if lane and sweep(lane) then redis.call('HSET', STATE, 'doomed', rest) end
  end

  -- Lets all live as long as the newest text.
  function texts.extend()
    for _, key in ipairs({CHANGES, STATE, ALTERED, REACTIONS}) do redis.call('PEXPIRE', key, TTL + SPARE) end
  end

  -- Extends their lives, and removes what belongs to texts that are too old, a few a call.
  function texts.expire(newest)
    texts.extend()
    local bottom = oldest_kept(newest, TTL)
    for _, seq in ipairs(redis.call('ZRANGEBYSCORE', ALTERED, '-inf', '(' .. digits(bottom), 'LIMIT', 0, 64)) do
      local x = texts.extras(seq)
      if x and x.where ~= 's' then
        bottom = tonumber(seq)
        break
      end
      forget(seq)
    end
    -- A reader whose place is before the oldest text is told of a gap.
    redis.call('XTRIM', CHANGES, 'MINID', digits(bottom))
  end

  return texts
end
