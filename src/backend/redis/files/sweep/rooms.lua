-- Rooms with posted files, those that were returned longest ago.
-- KEYS[1] rooms  ARGV[1] most rooms
local rooms = call('ZRANGE', KEYS[1], 0, ARGV[1] - 1)
local now = digits(now_millis())
for _, room in ipairs(rooms) do call('ZADD', KEYS[1], now, room) end
return rooms
