-- Replaces the hash of a password, if it is the expected one.
-- KEYS[1] account  ARGV[1] the expected hash  [2] the next one
if redis.call('HGET', KEYS[1], 'password') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'password', ARGV[2])
return 1
