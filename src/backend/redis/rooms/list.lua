-- Puts a room on a user's list, unless it is full.
-- KEYS[1] listed  ARGV[1] room  [2] rooms on a list, at most
-- Returns 0 if it is full, else 1.
if call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 1 end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], text_of(redis_millis()))
return 1
