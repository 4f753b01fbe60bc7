-- Puts rooms into the index, after a session has entered each.
-- KEYS[1] rooms  [2] entrances  ARGV rooms
-- The number of the entrance tells who takes an empty room out (vacate.lua) that it is not any more.
for _, room in ipairs(ARGV) do
  redis.call('SADD', KEYS[1], room)
  redis.call('HSET', KEYS[2], room, redis.call('HINCRBY', KEYS[2], '', 1))
end
return 1
