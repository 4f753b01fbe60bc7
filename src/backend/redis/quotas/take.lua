-- Takes tokens of a bucket. Its key has the time at which the bucket will be full (µs of Redis' clock).
-- KEYS[1] bucket  ARGV[1] µs in which it gains a token  [2] tokens of a full bucket  [3] tokens that were spent before
-- [4] tokens that are wanted
-- Returns the tokens that were taken, and the µs until the next one if none was.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local every, wanted = tonumber(ARGV[1]), tonumber(ARGV[4])
local window = every * ARGV[2]
local full = math.max(tonumber(call('GET', KEYS[1]) or '') or 0, now) + every * ARGV[3]
-- A debt beyond the tokens of a full bucket is forgiven, also one that a clock set back has made.
full = math.min(full, now + 2 * window)
local granted = math.max(0, math.min(wanted, math.floor((now + window - full) / every)))
full = full + granted * every
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.max(1, math.ceil((full - now) / 1000)))
return {granted, granted == 0 and full + every - window - now or 0}
