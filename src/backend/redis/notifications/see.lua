-- Marks a notification as seen by a user and publishes that.
-- KEYS[1] the user's notifications
-- ARGV[1] channel  [2] id  [3] the publication  [4] notifications.kept  [5] bytes that are kept
-- ARGV[6] of one to all users: ms until it ends  [7] its number  [8] number up to which they are dropped
-- Returns 0 if it is not known, 1 if it was seen before, 2 if it is seen now.
if not may_publish(ARGV[1]) then return redis.error_reply('NOPERM no right to publish') end
local id, now = ARGV[2], redis_millis()
local record = call('HGET', KEYS[1], 'n:' .. id)
local ends = record and millis_of(string.match(record, '^%d+ (%d+)\n'))
if ends and ends > now then
  redis.call('HDEL', KEYS[1], 'n:' .. id)
  redis.call('HSET', KEYS[1], 's:' .. id, text_of(ends))
elseif redis.call('HEXISTS', KEYS[1], 's:' .. id) == 1 or redis.call('HEXISTS', KEYS[1], 'a:' .. id) == 1 then
  return 1
elseif ARGV[6] then
  redis.call('HSET', KEYS[1], 'a:' .. id, text_of(now + ARGV[6]) .. ' ' .. ARGV[7])
else
  return 0
end
tidy(KEYS[1], user_order(tonumber(ARGV[8] or 0)), tonumber(ARGV[4]), tonumber(ARGV[5]))
publish(ARGV[1], ARGV[3])
return 2
