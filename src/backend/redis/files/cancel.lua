-- Removes the record of an upload that failed.
-- KEYS[1] file  [2] unposted  [3] upload, or the file again  [4] removed  [5…] quotas  ARGV[1] id
local taken = tonumber(call('HGET', KEYS[1], 'bytes') or '')
if taken then give_back(KEYS[1], taken, 5, #KEYS) end
redis.call('DEL', KEYS[1])
call('ZREM', KEYS[2], ARGV[1])
call('ZADD', KEYS[4], digits(now_millis()), ARGV[1])
if KEYS[3] ~= KEYS[1] and call('GET', KEYS[3]) == begun(ARGV[1]) then redis.call('DEL', KEYS[3]) end
