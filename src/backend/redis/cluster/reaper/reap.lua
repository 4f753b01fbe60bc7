-- Removes the sessions of a dead node from one room.
-- KEYS[1] members  [2] pending leaves of the room
-- ARGV[1] channel  [2] presence.announce_up_to  [3] dead node's id, raw  [4] presence.leave_grace, ms
-- Returns {sessions removed, sessions left, user with a pending leave, its token, …}. This includes earlier pending
-- leaves, because an earlier reaper may have died before it scheduled them.
reset_scores(KEYS[1])
local is_over_limit = redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[2])
local gone = share_of(KEYS[1], ARGV[3])
for _, entry in ipairs(gone) do redis.call('ZREM', KEYS[1], entry) end
local count = redis.call('ZCARD', KEYS[1])
if #gone > 0 then
  if not is_over_limit then
    local present = users_among(redis.call('ZRANGE', KEYS[1], 0, -1))
    for _, entry in ipairs(gone) do
      local user = user_of(entry)
      if user and not present[user] then
        present[user] = true
        start_grace_period(KEYS[2], user_text(user), name_of(entry, user), tonumber(ARGV[4]))
      end
    end
  end
  publish_count(ARGV[1], count)
end
local reply = {tostring(#gone), tostring(count)}
append_pending_leaves(reply, KEYS[2])
return reply
