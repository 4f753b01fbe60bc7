-- Adds a session to a room.
-- KEYS[1] members  [2] pending leaves of the room  [3] announced leaves of the room
-- ARGV[1] channel  [2] presence.announce_up_to  [3] entry  [4] connection id
-- ARGV[5] id for the notice  [6] maximum number of members to return
-- Returns {sessions, 1 if the entry is announced or 0, time of the join notice in ms or "" if none was sent,
-- {entry, entry, …}}.
local announce_up_to, entry = tonumber(ARGV[2]), ARGV[3]
local user = user_of(entry)
local user_id = user_text(user)
local is_new = call('ZADD', KEYS[1], 0, entry) == 1
local count = redis.call('ZCARD', KEYS[1])
local is_back = call('HDEL', KEYS[2], user_id) == 1
call('ZREM', KEYS[3], user_id)
local announced = ''
if is_new then
  -- A room below the announce limit is small enough to be read.
  if count <= announce_up_to and not is_back
    and not has_session(redis.call('ZRANGE', KEYS[1], 0, -1), user, entry) then
    announced = millis_text(now_millis())
    publish_notice(ARGV[1], 'j', ARGV[5], ARGV[4], user_id, name_of(entry, user), count)
  else
    publish_count(ARGV[1], count, ARGV[4])
  end
end
return {count, is_new and 1 or 0, announced, redis.call('ZRANGE', KEYS[1], 0, ARGV[6] - 1)}
