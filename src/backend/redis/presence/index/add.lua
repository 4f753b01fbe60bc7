-- Puts rooms into the index, after a session has entered each.
-- KEYS[1] rooms  [2] entrances  ARGV rooms
-- The number of the entrance tells who takes an empty room out (remove.lua) that it is not any more.
level(KEYS[1])
local number = tonumber(call('HGET', KEYS[2], ''))
-- No number, or one that can't be raised, is none of ours: the clock is further than any count.
if not number or not (number >= 0 and number < 9e15) then number = redis.call('TIME')[1] * 1e6 end
for _, room in ipairs(ARGV) do
  number = number + 1
  redis.call('ZADD', KEYS[1], 0, room)
  redis.call('HSET', KEYS[2], room, string.format('%.0f', number))
end
redis.call('HSET', KEYS[2], '', string.format('%.0f', number))
return 1
