-- Prepended to the scripts of cursors, behind `fence.lua`.
-- KEYS[1] to [5] as in `fence.lua`  KEYS[6] cursors, a hash: user → "<epoch> <seq> <g, of a guest, or u>"
local CURSORS = KEYS[6]

local function stored_cursor(user)
  local found = redis.pcall('HGET', CURSORS, user)
  return type(found) == 'string' and found or nil
end

-- The number up to which a user has read, by the room's head: that on which the cursor and the log agree. nil without a cursor.
local function place_of(h, cursor)
  local epoch, seq = string.match(cursor or '', '^(%w+) (%d+) [gu]$')
  local place = epoch and whole(seq)
  if not place then return nil end
  local _, agreed = continuity(h, epoch, place)
  return agreed
end
