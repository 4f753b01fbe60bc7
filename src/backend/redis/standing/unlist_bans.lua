-- Takes users off the list of bans whose bans have ended. One that was put there a moment ago stays: its ban may be
-- about to be set.
-- KEYS[1] bans  ARGV[1] age after which a ban is set, ms  [2…] users
local set_before = redis_millis() - ARGV[1]
for i = 2, #ARGV do
  local since = tonumber(call('ZSCORE', KEYS[1], ARGV[i]) or '')
  if since and since <= set_before then redis.call('ZREM', KEYS[1], ARGV[i]) end
end
return 1
