-- Removes a session from a room.
-- KEYS[1] members  [2] pending leaves of the room
-- ARGV[1] channel  [2] presence.announce_up_to  [3] entry  [4] connection id
-- ARGV[5] id for the notice  [6] grace period of the notice, ms; 0: it is sent now
-- Returns {sessions, the token of the pending leave, or nothing}.
local entry = ARGV[3]
local was_in = call('ZREM', KEYS[1], entry) == 1
local count = redis.call('ZCARD', KEYS[1])
if not was_in then return {count, false} end
local is_over_limit = count + 1 > tonumber(ARGV[2])
local user = user_of(entry)
if is_over_limit or has_session(redis.call('ZRANGE', KEYS[1], 0, -1), user) then
  publish_count(ARGV[1], count)
elseif tonumber(ARGV[6]) > 0 then
  local due = start_grace_period(KEYS[2], user_text(user), name_of(entry, user), tonumber(ARGV[6]))
  publish_count(ARGV[1], count)
  return {count, due}
else
  publish_notice(ARGV[1], 'l', ARGV[5], ARGV[4], user_text(user), name_of(entry, user), count)
end
return {count, false}
