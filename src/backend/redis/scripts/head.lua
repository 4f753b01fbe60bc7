-- A room's newest place.
-- KEYS[1] head  KEYS[2] log  ARGV[1] ttl of the head, ms
-- Returns {epoch, seq}.
local epoch, seq = open_head(KEYS[1], KEYS[2], ARGV[1])
return {epoch, seq}
