-- Stores a new account, unless its name is another's.
-- KEYS[1] names  [2] account  [3] setup
-- ARGV[1] user id  [2], [3] skeletons of the name  [4] '1' if no admin may exist  [5] '1' if it is an admin's
-- [6…] fields of the account
local user = ARGV[1]
if ARGV[4] == '1' and call('HEXISTS', KEYS[3], 'admin') == 1 then return 'admin_exists' end
for i = 2, 3 do
  local owner = call('HGET', KEYS[1], ARGV[i])
  if owner and owner ~= user then return 'name_taken' end
end
call('HSET', KEYS[1], ARGV[2], user, ARGV[3], user)
call('HSET', KEYS[2], unpack(ARGV, 6))
if ARGV[5] == '1' then
  call('HSETNX', KEYS[3], 'admin', user)
  call('HDEL', KEYS[3], 'code')
end
return 'created'
