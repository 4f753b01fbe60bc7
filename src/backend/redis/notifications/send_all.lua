-- Stores a notification to all users and publishes that they have changed.
-- KEYS[1] notifications to all
-- ARGV[1] channel  [2] id  [3] ttl, ms  [4] the words, JSON  [5] notifications.kept  [6] bytes that are kept
-- Returns 0 if the id is known.
if not may_publish(ARGV[1]) then return redis.error_reply('NOPERM no right to publish') end
local field = 'n:' .. ARGV[2]
if call('HEXISTS', KEYS[1], field) == 1 or redis.call('HEXISTS', KEYS[1], 'g:' .. ARGV[2]) == 1 then return 0 end
local number = (millis_of(redis.call('HGET', KEYS[1], 'last')) or 0) + 1
local now = redis_millis()
local record = text_of(number) .. ' ' .. text_of(now) .. ' ' .. text_of(now + ARGV[3]) .. '\n' .. ARGV[4]
redis.call('HSET', KEYS[1], 'last', text_of(number), field, record)
tidy(KEYS[1], broadcast_order, tonumber(ARGV[5]), tonumber(ARGV[6]))
publish(ARGV[1], 'na')
return 1
