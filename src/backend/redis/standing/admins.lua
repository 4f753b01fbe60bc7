-- Notes in the set of admins that a user has a role. The last admin stays one.
-- KEYS[1] admins  ARGV[1] user  [2] '1' if the user is an admin from now on
-- Returns 0 if no admin would be left.
if ARGV[2] == '1' then
  call('SADD', KEYS[1], ARGV[1])
elseif call('SISMEMBER', KEYS[1], ARGV[1]) == 1 then
  if redis.call('SCARD', KEYS[1]) == 1 then return 0 end
  redis.call('SREM', KEYS[1], ARGV[1])
end
return 1
