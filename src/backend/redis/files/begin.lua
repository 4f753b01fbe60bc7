-- Records a file whose upload begins, and takes bytes of its quotas.
-- KEYS[1] file  [2] unposted  [3] upload, or the file again  [4…] quotas
-- ARGV[1] id  [2] user  [3] room  [4] bytes that are wanted  [5] the fewest that will do  [6] owners of the quotas
-- ARGV[7] ms for which a repetition waits for this upload  [8] a file of the same upload that is gone  [9…] bytes of each quota
-- Returns {'granted', bytes}, {'exhausted', ms until the day ends} if a quota has too few, {'under_way'}, or {'stored', file}.
local has_print = KEYS[3] ~= KEYS[1]
local before = has_print and call('GET', KEYS[3])
if is_begun(before) then return {'under_way'} end
if before and #before == 36 and before ~= ARGV[8] then return {'stored', before} end
local now = now_millis()
local day = math.floor(now / DAY)
local bytes = tonumber(ARGV[4])
for i = 4, #KEYS do
  bytes = math.min(bytes, tonumber(ARGV[i + 5]) - uploaded(KEYS[i], day))
end
if bytes < tonumber(ARGV[5]) then return {'exhausted', digits((day + 1) * DAY - now)} end
for i = 4, #KEYS do set_uploaded(KEYS[i], day, uploaded(KEYS[i], day) + bytes) end
call('HSET', KEYS[1], 'user', ARGV[2], 'room', ARGV[3], 'bytes', digits(bytes), 'day', digits(day), 'owners', ARGV[6])
call('ZADD', KEYS[2], digits(now), ARGV[1])
if has_print then redis.call('SET', KEYS[3], begun(ARGV[1]), 'PX', ARGV[7]) end
return {'granted', digits(bytes)}
