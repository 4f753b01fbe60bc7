-- Takes a session out of a room.
-- KEYS[1] members  [2] lingering of the room
-- ARGV[1] channel  [2] presence.announce_up_to  [3] entry  [4] connection id
-- ARGV[5] id for the notice  [6] ms that the notice waits, 0: it is sent now
-- Returns {sessions, the token of the notice, or nothing if none waits}.
local entry = ARGV[3]
local was_in = call('ZREM', KEYS[1], entry) == 1
local count = redis.call('ZCARD', KEYS[1])
if not was_in then return {count, false} end
local is_big = count + 1 > tonumber(ARGV[2])
local user = user_of(entry)
if is_big or has_session(redis.call('ZRANGE', KEYS[1], 0, -1), user) then
  tell_count(ARGV[1], count)
elseif tonumber(ARGV[6]) > 0 then
  local due = linger(KEYS[2], user_text(user), name_of(entry, user), tonumber(ARGV[6]))
  tell_count(ARGV[1], count)
  return {count, due}
else
  tell_notice(ARGV[1], 'l', ARGV[5], ARGV[4], user_text(user), name_of(entry, user), count)
end
return {count, false}
