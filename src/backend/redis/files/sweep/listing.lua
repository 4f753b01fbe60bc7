-- Whether a list of all stored bytes is due.
-- KEYS[1] time of the last one  ARGV[1] ms between two
local now = now_millis()
local last = tonumber(call('GET', KEYS[1]) or '')
if last and last <= now and now - last < tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], digits(now))
return last and 1 or 0
