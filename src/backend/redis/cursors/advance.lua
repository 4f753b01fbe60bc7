-- Moves a user's cursor forward.
-- KEYS as in `cursors.lua`  ARGV[1] user  [2] 'g' for a guest, else 'u'
-- ARGV[3] number to move to, at most the head; '' to begin at the head if there is no cursor
-- ARGV[4] lifetime of cursors, ms  [5] cursors of a room, at most
-- Returns {1 if it was moved else 0, its number or ''}.
local USER, KIND, TO, TTL, MOST = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local h = read_head()
if not h then return {0, ''} end
local before = place_of(h, stored_cursor(USER))
local to = TO == '' and (before or h.seq) or math.min(tonumber(TO), h.seq)
local place = move_cursor(h, USER, KIND, to, TTL, MOST)
return {place ~= before and 1 or 0, place and digits(place) or ''}
