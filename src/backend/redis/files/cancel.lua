-- Removes the record of an upload that failed.
-- KEYS[1] file  [2] unposted  [3] removed  [4…] quotas  ARGV[1] id
local taken = tonumber(call('HGET', KEYS[1], 'bytes') or '')
if taken then give_back(KEYS[1], taken, 4) end
redis.call('DEL', KEYS[1])
call('ZREM', KEYS[2], ARGV[1])
call('ZADD', KEYS[3], digits(now_millis()), ARGV[1])
