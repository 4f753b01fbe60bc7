-- Sets the time of files that are on a list.
-- KEYS[1] list  ARGV[1] ms  [2…] ids
local time = digits(now_millis() + ARGV[1])
for i = 2, #ARGV do call('ZADD', KEYS[1], 'XX', time, ARGV[i]) end
