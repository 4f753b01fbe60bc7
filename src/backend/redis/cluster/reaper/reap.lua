-- Takes the sessions of a dead node out of one room.
-- KEYS[1] members  [2] lingering of the room
-- ARGV[1] channel  [2] presence.announce_up_to  [3] dead node's id, raw  [4] presence.leave_grace, ms
-- Returns {sessions removed, sessions left, lingering user, the token of the notice, …}: also those who
-- lingered before, for a reaper may have died before it told.
level(KEYS[1])
local is_big = redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[2])
local gone = share_of(KEYS[1], ARGV[3])
for _, entry in ipairs(gone) do redis.call('ZREM', KEYS[1], entry) end
local count = redis.call('ZCARD', KEYS[1])
if #gone > 0 then
  if not is_big then
    local present = users_among(redis.call('ZRANGE', KEYS[1], 0, -1))
    for _, entry in ipairs(gone) do
      local user = user_of(entry)
      if user and not present[user] then
        present[user] = true
        linger(KEYS[2], user_text(user), name_of(entry, user), tonumber(ARGV[4]))
      end
    end
  end
  tell_count(ARGV[1], count)
end
local reply = {tostring(#gone), tostring(count)}
append_lingering(reply, KEYS[2])
return reply
