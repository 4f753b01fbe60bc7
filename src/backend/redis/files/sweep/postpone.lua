-- Puts off the deletion of the bytes of files.
-- KEYS[1] removed  ARGV[1] ms  [2…] ids
local time = digits(now_millis() + ARGV[1])
for i = 2, #ARGV do call('ZADD', KEYS[1], 'XX', time, ARGV[i]) end
