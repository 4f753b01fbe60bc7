-- The head of a room.
-- KEYS as in `fence.lua`  ARGV[1] ttl of the head, ms
-- Returns {epoch, seq}.
local h = open_head(ARGV[1])
-- Occupied rooms are checked periodically, so their head is kept.
if h.seq == 0 then redis.call('PEXPIRE', HEAD, UNUSED_MILLIS) end
return {h.epoch, digits(h.seq)}
