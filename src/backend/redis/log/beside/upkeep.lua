-- Prepended to scripts that write beside the log, behind `once.lua` and `texts.lua`. The scores of a lane are a range of
-- this many.
local LANE = 4194304

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

  -- Removes the reactions to a text; where there are many, the rest is left to later calls.
  function texts.drop_reactions(seq, x)
    for emoji in string.gmatch(x.kinds, '%S+') do
      local name = 'l' .. seq .. ' ' .. emoji
      local lane = string.match(redis.call('HGET', STATE, name) or '', '^%d+')
      redis.call('HDEL', STATE, name)
      if lane and not sweep(lane) then
        redis.call('HSET', STATE, 'doomed', lane .. ' ' .. (redis.call('HGET', STATE, 'doomed') or ''))
      end
    end
    x.kinds = ''
  end

  -- Removes what belongs to a text that has left the log.
  local function forget(seq)
    local x = parsed(redis.call('HGET', STATE, 'x' .. seq))
    if x then
      texts.drop_reactions(seq, x)
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
    local bottom = oldest_kept(newest, since)
    for _, seq in ipairs(redis.call('ZRANGEBYSCORE', ALTERED, '-inf', '(' .. digits(bottom), 'LIMIT', 0, 64)) do
      local x = parsed(redis.call('HGET', STATE, 'x' .. seq))
      if x and x.where ~= 's' and tonumber(x.at) >= since then
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
