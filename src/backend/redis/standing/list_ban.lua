-- Puts a user on top of the list of bans.
-- KEYS[1] bans  ARGV[1] user
local newest = call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
-- Each number is used once, so that a page can end at it.
local above = (millis_of(newest) or 0) + 1
redis.call('ZADD', KEYS[1], text_of(math.max(redis_millis(), above)), ARGV[1])
return 1
