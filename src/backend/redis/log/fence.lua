-- Prepended to every script that reads or writes a room's numbering, behind `replid.lua`. No script assigns a
-- number under another replication id than the current one.
-- KEYS[1] head  KEYS[2] log  KEYS[3] changes  KEYS[4] state  KEYS[5] altered
-- Reads and joins name only the first two: while a slot moves, Redis refuses a call that names keys of which some do not
-- exist, and most rooms have no changes. The others are in the same slot.
local HEAD, LOG, CHANGES, STATE, ALTERED = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
if not CHANGES then
  local room = string.sub(HEAD, 1, -#'head' - 1)
  CHANGES, STATE, ALTERED = room .. 'changes', room .. 'state', room .. 'altered'
end

local UNUSED_MILLIS = 3600000

-- Redis gets a new replication id without a loss of data when a first replica attaches, as it does within seconds
-- after a master's return.
local SOON_MILLIS = 10000

-- Lua counts in doubles, which are exact up to here.
local MAX_SEQ = 9007199254740991

-- Of a whole number. '%d' is quicker, but goes no further in a Redis that was built for 32 bits.
local function digits(number) return string.format(number < 2147483648 and '%d' or '%.0f', number) end

-- A number that adda may have written; nil for anything else.
local function whole(text)
  local number = tonumber(text)
  return number and number >= 0 and number <= MAX_SEQ and number % 1 == 0 and number or nil
end

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The head of a room; nil if there is none, or one that adda did not write.
local function read_head()
  local h = redis.call('HMGET', HEAD, 'epoch', 'seq', 'run', 'start', 'past', 'kept', 'began', 'changed')
  local seq, start = whole(h[2]), whole(h[4])
  local is_ours = h[1] and string.find(h[1], '^%w+$') and seq and start and h[3] and h[5]
  local changed, moved, doomed = string.match(h[8] or '', '^(%d+) (%d+)( ?d?)$')
  if not is_ours then return nil end
  return {
    epoch = h[1], seq = seq, run = h[3],
    -- All numbers above it are new to a reader with an unknown epoch.
    start = start,
    -- Where earlier epochs ended: "epoch:seq epoch:seq …", newest first.
    past = h[5],
    -- When the expiry was last extended, ms.
    kept = whole(h[6]) or 0,
    began = whole(h[7]) or 0,
    -- The number of the newest change, how many texts are not in the stream, and ' d' if some of `doomed` remain (`texts.lua`):
    -- nil if there never was a change.
    -- A version before wrote the number alone.
    changed = whole(changed or h[8]), moved = moved, doomed = doomed
  }
end

-- The state that appending needs. Nothing unless the room was opened under this replication id.
local function current()
  local h = redis.call('HMGET', HEAD, 'epoch', 'seq', 'run', 'kept', 'changed')
  local seq = whole(h[2])
  if h[3] == REPLID and seq and h[1] and string.find(h[1], '^%w+$') then
    local head = {epoch = h[1], seq = seq, kept = whole(h[4]) or 0}
    if h[5] then
      head.changed, head.moved, head.doomed = string.match(h[5], '^(%d+) (%d+)( ?d?)$')
      if not head.changed then return nil end
    end
    return head
  end
end

-- The number above which a stream takes entries; nil if it holds none.
local function highest(stream)
  if #redis.call('XRANGE', stream, '-', '+', 'COUNT', 1) == 0 then return nil end
  local about = redis.call('XINFO', 'STREAM', stream)
  for i = 1, #about, 2 do
    if about[i] == 'last-generated-id' then return tonumber(string.match(about[i + 1], '^%d+')) end
  end
end

-- Opens the numbering of a room, and returns its head.
-- The data of this Redis is a prefix of the earlier data, so a head of another replication id ends its epoch at its
-- number.
local function open_head(ttl)
  local h = read_head()
  -- How many texts are not in the stream is unknown where a head was lost, and where a version before wrote it.
  local function count_moved(changed)
    local moved, doomed, at, numbers = 0, '', 0, nil
    repeat
      numbers = redis.call('ZRANGE', ALTERED, at, at + 999)
      for i, number in ipairs(numbers) do numbers[i] = 'x' .. number end
      for _, x in ipairs(#numbers > 0 and redis.call('HMGET', STATE, unpack(numbers)) or {}) do
        if string.find(x or '', '^%d+ %d+ %S+ %S+ [ed]') then moved = moved + 1 end
      end
      at = at + #numbers
    until #numbers < 1000
    if (redis.call('HGET', STATE, 'doomed') or '') ~= '' then doomed = ' d' end
    redis.call('HSET', HEAD, 'changed', digits(changed) .. ' ' .. digits(moved) .. doomed)
    return digits(changed), digits(moved), doomed
  end
  if h and h.run == REPLID then
    if h.changed and not h.moved then h.changed, h.moved, h.doomed = count_moved(h.changed) end
    return h
  end
  local time, now = redis.call('TIME'), clock()
  local epoch = string.sub(redis.sha1hex(REPLID .. time[1] .. '.' .. time[2] .. HEAD), 1, 16)
  local seq = h and h.seq or whole(redis.call('HGET', HEAD, 'seq')) or 0
  -- Streams without their head (evicted, say): numbering continues above them, or their ids would be assigned again.
  for _, stream in ipairs({LOG, CHANGES}) do
    local last = highest(stream)
    if last and last < MAX_SEQ then
      seq = math.max(seq, last)
    else
      -- An emptied stream remembers its last id, and would refuse lower ones. A number beyond the exact range is
      -- foreign, so its stream is deleted.
      redis.call('DEL', stream)
    end
  end
  local altered = whole(redis.call('ZREVRANGE', ALTERED, 0, 0)[1] or '')
  if altered then seq = math.max(seq, altered) end
  local changed, moved, doomed = h and h.changed or highest(CHANGES) or altered, h and h.moved, h and h.doomed
  if changed and not moved then changed, moved, doomed = count_moved(changed) end
  local start = seq
  -- An epoch that ends so soon may have numbers that no other node has seen.
  if h and now - h.began < SOON_MILLIS then start = math.min(seq, h.start) end
  local past = ''
  if h then
    -- The ends of earlier epochs, with that of the current head in front; the last eight.
    local kept = 1
    past = h.epoch .. ':' .. digits(h.seq)
    for ended in string.gmatch(h.past, '%S+') do
      kept = kept + 1
      if kept <= 8 then past = past .. ' ' .. ended end
    end
  end
  redis.call('HSET', HEAD, 'epoch', epoch, 'seq', digits(seq), 'run', REPLID, 'start', digits(start),
    'past', past, 'began', digits(now))
  -- Any user may enter any room, so a room without messages expires soon.
  redis.call('PEXPIRE', HEAD, seq == 0 and UNUSED_MILLIS or ttl)
  return {epoch = epoch, seq = seq, run = REPLID, start = start, past = past, kept = 0, began = now,
    changed = changed and digits(changed), moved = moved, doomed = doomed}
end
