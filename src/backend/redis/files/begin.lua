-- Records a file whose upload begins, and takes bytes of its quotas.
-- KEYS[1] file  [2] unposted  [3…] quotas
-- ARGV[1] id  [2] user  [3] room  [4] bytes that are wanted  [5] the fewest that will do  [6…] bytes of each quota
-- Returns {1, bytes}, or {0, ms until the day ends} if a quota has too few.
local now = now_millis()
local day = math.floor(now / DAY)
local bytes = tonumber(ARGV[4])
for i = 3, #KEYS do
  bytes = math.min(bytes, tonumber(ARGV[i + 3]) - uploaded(KEYS[i], day))
end
if bytes < tonumber(ARGV[5]) then return {0, (day + 1) * DAY - now} end
for i = 3, #KEYS do set_uploaded(KEYS[i], day, uploaded(KEYS[i], day) + bytes) end
call('HSET', KEYS[1], 'user', ARGV[2], 'room', ARGV[3], 'bytes', digits(bytes), 'day', digits(day))
call('ZADD', KEYS[2], digits(now), ARGV[1])
return {1, bytes}
