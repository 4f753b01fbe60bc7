-- The number up to which a user has read. Writes nothing.
-- KEYS as in `cursors.lua`  ARGV[1] user
-- Returns it, or ''.
local stored = stored_cursor(ARGV[1])
local h = stored and read_head()
local place = h and place_of(h, stored)
return place and digits(place) or ''
