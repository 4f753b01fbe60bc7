-- Schedules leave notices for the end of the grace period. An entry that is scheduled already keeps its time.
-- KEYS[1] schedule of leaves  [2] clock  ARGV[1] presence.leave_grace, ms  [2…] "token user room"
local due = text_of(cluster_time(KEYS[2]) + tonumber(ARGV[1]))
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], 'NX', due, ARGV[i]) end
return 1
