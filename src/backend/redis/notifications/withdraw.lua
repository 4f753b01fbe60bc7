-- Removes a notification to all users and publishes that they have changed.
-- KEYS[1] notifications to all  ARGV[1] channel  [2] id
-- Returns 1 if it was there.
if not may_publish(ARGV[1]) then return redis.error_reply('NOPERM no right to publish') end
local record = call('HGET', KEYS[1], 'n:' .. ARGV[2])
if not record then return 0 end
redis.call('HDEL', KEYS[1], 'n:' .. ARGV[2])
redis.call('HSET', KEYS[1], 'g:' .. ARGV[2], string.match(record, '^%d+ %d+ (%d+)\n') or '0')
publish(ARGV[1], 'na')
return 1
