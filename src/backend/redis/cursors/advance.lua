-- Moves a user's cursor forward.
-- KEYS as in `cursors.lua`  ARGV[1] user  [2] 'g' for a guest, else 'u'
-- ARGV[3] number to move to, at most the head; '' to begin at the head if there is no cursor
-- ARGV[4] lifetime of cursors, ms  [5] cursors of a room, at most
-- Returns {1 if it was moved else 0, its number or ''}.
local USER, KIND, TO, TTL, MOST = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local h = read_head()
if not h then return {0, ''} end
local stored = stored_cursor(USER)
local place = place_of(h, stored)
local to = TO == '' and h.seq or math.min(tonumber(TO), h.seq)
if (place and (TO == '' or place >= to)) or to == 0 then return {0, place and digits(place) or ''} end

-- One of a few makes room: of a guest, if there is one, and that which is furthest behind.
local function evict()
  local drawn, victim, rank = redis.call('HRANDFIELD', CURSORS, 16, 'WITHVALUES'), nil, nil
  for i = 1, #drawn, 2 do
    local is_lasting = string.find(drawn[i + 1], ' u$') ~= nil
    local behind = (is_lasting and MAX_SEQ or 0) + (place_of(h, drawn[i + 1]) or 0)
    if not rank or behind < rank then victim, rank = drawn[i], behind end
  end
  redis.call('HDEL', CURSORS, victim)
end

if not stored and call('HLEN', CURSORS) >= MOST then evict() end
redis.call('HSET', CURSORS, USER, h.epoch .. ' ' .. digits(to) .. ' ' .. KIND)
redis.call('PEXPIRE', CURSORS, TTL)
return {1, digits(to)}
