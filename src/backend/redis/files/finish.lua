-- Records that the bytes of a file are stored.
-- KEYS[1] file  [2] unposted  [3] upload, or the file again  [4…] quotas
-- ARGV[1] id  [2] size  [3] description (JSON)  [4] ms for which the upload may be repeated
-- Returns whether there is a record.
local taken = tonumber(call('HGET', KEYS[1], 'bytes') or '')
if not taken then return 0 end
give_back(KEYS[1], math.max(taken - ARGV[2], 0), 4, #KEYS)
call('HSET', KEYS[1], 'bytes', ARGV[2], 'file', ARGV[3])
call('HDEL', KEYS[1], 'owners')
call('ZADD', KEYS[2], digits(now_millis()), ARGV[1])
if KEYS[3] ~= KEYS[1] then redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[4]) end
return 1
