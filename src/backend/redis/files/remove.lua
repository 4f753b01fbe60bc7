-- Removes the records of files of a room.
-- KEYS[1] unposted  [2] removed  [3] rooms  [4] files of the room  [5…] files  ARGV[1] room  [2…] ids
-- Returns how many there were.
local count = 0
for i = 5, #KEYS do
  local id = ARGV[i - 3]
  if call('HGET', KEYS[i], 'room') == ARGV[1] then
    count = count + redis.call('DEL', KEYS[i])
    call('ZADD', KEYS[2], digits(now_millis()), id)
    call('ZREM', KEYS[1], id)
  end
  call('ZREM', KEYS[4], id)
end
if call('ZCARD', KEYS[4]) == 0 then call('ZREM', KEYS[3], ARGV[1]) end
return count
