-- Stores a schedule.
-- KEYS[1] due schedules  [2] schedules  [3] clock
-- ARGV[1] id  [2] period, ms; 0: once  [3] its time, ms, if once  [4] the words, JSON  [5] notifications.schedules
-- Returns `added`, `too_many` or `past`.
local now, ahead = cluster_time(KEYS[3])
local every = tonumber(ARGV[2])
if call('HLEN', KEYS[2]) >= tonumber(ARGV[5]) then return 'too_many' end
local next = every > 0 and now + every or tonumber(ARGV[3])
if every == 0 and next <= redis_millis() then return 'past' end
call('ZCARD', KEYS[1])
store(KEYS[1], KEYS[2], ARGV[1], {every = every, next = next, waiting = {}, words = ARGV[4]}, ahead)
return 'added'
