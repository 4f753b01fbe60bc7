-- Adds a session to a room.
-- KEYS[1] members  [2] pending leaves of the room  [3] announced leaves of the room  [4] head of the log
-- ARGV[1] channel  [2] presence.announce_up_to  [3] entry  [4] connection id
-- ARGV[5] id for the notice  [6] maximum number of members to return  [7] user id
-- Returns {sessions, 1 if the entry is announced or 0, time of the join notice in ms or "" if none was sent,
-- {entry, entry, …}, epoch, seq}. epoch, seq: the head, '' if no epoch is open under this replication id.
local announce_up_to, entry, limit, user_id = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[6]), ARGV[7]
local user = user_of(entry)
local is_new = call('ZADD', KEYS[1], 0, entry) == 1
local count = redis.call('ZCARD', KEYS[1])
local is_back = call('HDEL', KEYS[2], user_id) == 1
call('ZREM', KEYS[3], user_id)
local members = redis.call('ZRANGE', KEYS[1], 0, limit - 1)
local function is_present()
  -- A room below the announce limit is small enough to be read.
  local all = count <= limit and members or redis.call('ZRANGE', KEYS[1], 0, -1)
  return has_session(all, user, entry)
end
local announced = ''
if is_new then
  if count <= announce_up_to and not is_back and not is_present() then
    announced = publish_notice(ARGV[1], 'j', ARGV[5], ARGV[4], user_id, name_of(entry, user), count)
  else
    publish_count(ARGV[1], count, ARGV[4])
  end
end
local epoch, seq = known_head(KEYS[4])
return {count, is_new and 1 or 0, announced, members, epoch, seq}
