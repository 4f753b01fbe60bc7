-- The head of a room.
-- KEYS[1] head  KEYS[2] log  ARGV[1] ttl of the head, ms
-- Returns {epoch, seq}.
local h = open_head(KEYS[1], KEYS[2], ARGV[1])
-- Occupied rooms are checked periodically, so their head is kept.
if h.seq == 0 then redis.call('PEXPIRE', KEYS[1], UNUSED_MILLIS) end
return {h.epoch, digits(h.seq)}
