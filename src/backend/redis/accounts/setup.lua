-- Returns the code with which the first admin is made, after storing one if there is none. Nothing once an admin exists.
-- KEYS[1] setup  ARGV[1] a code
if call('HEXISTS', KEYS[1], 'admin') == 1 then return false end
call('HSETNX', KEYS[1], 'code', ARGV[1])
return call('HGET', KEYS[1], 'code')
