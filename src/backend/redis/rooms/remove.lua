-- Ends the membership of a user in a private room with its cursor, and publishes that in the same step: a message that is published
-- afterwards comes after it.
-- KEYS[1] record, as `<beginning of the room's keys>record`  ARGV[1] channel  [2] user
-- Returns `changed`, `unchanged` or `no_room`.
if not may_publish(ARGV[1]) then return redis.error_reply('NOPERM no right to publish') end
if call('HEXISTS', KEYS[1], 'created') == 0 then return 'no_room' end
if redis.call('HDEL', KEYS[1], 'm:' .. ARGV[2]) == 0 then return 'unchanged' end
-- It is not named: while a slot moves, Redis refuses a call that names keys of which some do not exist.
redis.pcall('HDEL', string.sub(KEYS[1], 1, -#'record' - 1) .. 'cursors', ARGV[2])
publish(ARGV[1], 'x ' .. ARGV[2])
return 'changed'
