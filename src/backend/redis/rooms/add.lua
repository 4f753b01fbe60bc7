-- Makes a user a member of a private room, which has read all that was posted before, and publishes that in the same step.
-- KEYS[1] to [6] as in `cursors.lua`  [7] record
-- ARGV[1] channel  [2] user  [3] name  [4] members of a room, at most  [5] lifetime of cursors, ms  [6] cursors of a room, at most
-- Returns `changed`, `unchanged`, `no_room` or `full`.
local RECORD, USER = KEYS[7], ARGV[2]
if not may_publish(ARGV[1]) then return redis.error_reply('NOPERM no right to publish') end
if call('HEXISTS', RECORD, 'created') == 0 then return 'no_room' end
if redis.call('HEXISTS', RECORD, 'm:' .. USER) == 1 then return 'unchanged' end
local others = 0
for _, field in ipairs({'created', 'owner', 'title', 'topic'}) do
  others = others + redis.call('HEXISTS', RECORD, field)
end
if redis.call('HLEN', RECORD) - others >= tonumber(ARGV[4]) then return 'full' end
redis.call('HSET', RECORD, 'm:' .. USER, ARGV[3])
local h = read_head()
if h then move_cursor(h, USER, 'u', h.seq, ARGV[5], tonumber(ARGV[6])) end
publish(ARGV[1], 'k')
return 'changed'
