-- The head of a room.
-- KEYS as in `fence.lua`  ARGV[1] ttl of the head, ms
-- Returns {epoch, seq}.
local h = open_head(ARGV[1])
-- Occupied rooms are checked periodically, so their head is kept. It is not written anew at each of these checks.
local ttl = h.seq == 0 and UNUSED_MILLIS or tonumber(ARGV[1])
if redis.call('PTTL', HEAD) < ttl / 2 then redis.call('PEXPIRE', HEAD, ttl) end
return {h.epoch, digits(h.seq)}
