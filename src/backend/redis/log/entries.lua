-- Prepended to scripts that read the streams of a room, behind `fence.lua`.

-- Whether all up to a reader's place is proven (1 or 0), and the last number on which reader and log agree. For an epoch
-- that is not in the lineage this is the start of the current epoch (or of one that ended soon after its start), or the
-- reader's number if it is lower.
local function continuity(h, epoch, place)
  local ended = epoch == h.epoch and h.seq or nil
  for name, last in string.gmatch(h.past, '(%S+):(%d+)') do
    if name == epoch then ended = tonumber(last) end
  end
  if not ended then return 0, math.min(place, h.start) end
  if place > ended then return 0, ended end
  return 1, place
end

-- The number of an entry; nil if adda did not give it.
local function number_of(entry)
  return whole(string.match(entry[1], '^(%d+)%-0$'))
end

-- A field of an entry by its name.
local function field(entry, name)
  local fields = entry[2]
  for i = 1, #fields, 2 do
    if fields[i] == name then return fields[i + 1] end
  end
end

-- The first number that is not older than `since` (ms), `seq` + 1 if none is. Entries are ordered by time, so this is a
-- binary search. Undated entries count as those before them.
local function oldest_kept(seq, since)
  -- The first dated entry of the log from a number on: its number, and its time.
  local function dated_from(number)
    local from, look = digits(number), 1
    while true do
      local entries = redis.call('XRANGE', LOG, from, '+', 'COUNT', look)
      for _, entry in ipairs(entries) do
        local seq, at = number_of(entry), whole(field(entry, 't'))
        if seq and at then return seq, at end
      end
      if #entries < look then return nil end
      from, look = '(' .. entries[#entries][1], 8
    end
  end

  local low, at = dated_from(0)
  if not low or low > seq then return seq + 1 end
  if at >= since then return low end
  local high = seq + 1
  while high - low > 1 do
    local middle = math.floor((low + high) / 2)
    local number, written = dated_from(middle)
    if number and written < since then low = number else high = middle end
  end
  return math.min(dated_from(high) or high, seq + 1)
end
