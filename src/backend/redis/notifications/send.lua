-- Stores a notification to one user and publishes it.
-- KEYS[1] the user's notifications
-- ARGV[1] channel  [2] id  [3] ttl, ms  [4] the words, JSON  [5] notifications.kept  [6] bytes that are kept
-- Returns {0} if the id is known, else {1, the number of its receivers}.
if not may_publish(ARGV[1]) then return redis.error_reply('NOPERM no right to publish') end
local field = 'n:' .. ARGV[2]
if call('HEXISTS', KEYS[1], field) == 1 or redis.call('HEXISTS', KEYS[1], 's:' .. ARGV[2]) == 1 then return {0} end
local now = redis_millis()
local record = text_of(now) .. ' ' .. text_of(now + ARGV[3]) .. '\n' .. ARGV[4]
redis.call('HSET', KEYS[1], field, record)
tidy(KEYS[1], user_order(0), tonumber(ARGV[5]), tonumber(ARGV[6]))
-- As `pubsub/user_event.rs` reads it.
local event = '{"type":"notification","id":"' .. ARGV[2] .. '","sent":' .. text_of(now) .. ',"left_ms":' .. ARGV[3]
  .. ',"words":' .. ARGV[4] .. '}'
return {1, redis.call(PUBLISH, ARGV[1], BUS_VERSION .. ' e\n' .. event)}
