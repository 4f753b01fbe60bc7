-- Takes rooms off a user's list that have been on it for some time.
-- KEYS[1] listed  ARGV[1] this time, ms  [2…] rooms
local since = redis_millis() - ARGV[1]
for i = 2, #ARGV do
  local at = millis_of(call('HGET', KEYS[1], ARGV[i])) or 0
  if at <= since then redis.call('HDEL', KEYS[1], ARGV[i]) end
end
return 1
