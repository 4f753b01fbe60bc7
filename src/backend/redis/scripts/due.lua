-- Notes when leave notices fall due.
-- KEYS[1] due  ARGV ms, "user room", …
for i = 1, #ARGV, 2 do redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i + 1]) end
return 1
