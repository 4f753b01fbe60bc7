-- Rooms with posted files, those that were returned longest ago.
-- KEYS[1] rooms  ARGV[1] most rooms
local rooms = call('ZRANGE', KEYS[1], 0, ARGV[1] - 1)
-- Behind all others, also within a millisecond.
local newest = call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
local now = digits(math.max(now_millis(), (tonumber(newest[2]) or 0) + 1))
for _, room in ipairs(rooms) do call('ZADD', KEYS[1], now, room) end
return rooms
