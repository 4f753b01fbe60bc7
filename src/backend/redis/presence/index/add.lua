-- Adds rooms to the index, after a session has entered each.
-- KEYS[1] rooms  [2] versions of rooms  ARGV rooms
-- The version tells remove.lua that a room which was seen empty is occupied again.
reset_scores(KEYS[1])
local number = tonumber(call('HGET', KEYS[2], ''))
-- A missing or foreign version is replaced by the clock, which is ahead of any counter.
if not number or not (number >= 0 and number < 9e15) then number = redis.call('TIME')[1] * 1e6 end
for _, room in ipairs(ARGV) do
  number = number + 1
  redis.call('ZADD', KEYS[1], 0, room)
  redis.call('HSET', KEYS[2], room, string.format('%.0f', number))
end
redis.call('HSET', KEYS[2], '', string.format('%.0f', number))
return 1
