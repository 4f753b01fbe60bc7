-- Makes one node's entries in a room equal to its sessions.
-- KEYS[1] members  [2] pending leaves of the room  [3] announced leaves of the room
-- ARGV[1] channel  [2] presence.announce_up_to  [3] node id, raw  [4] presence.leave_grace, ms
-- ARGV[5] seed for ids of notices  [6] 1 if the count is announced  [7…] the node's entries
-- Returns {entries added or removed, sessions, user with a pending leave, its token, …}.
reset_scores(KEYS[1])
local wanted = {}
for i = 7, #ARGV do wanted[ARGV[i]] = true end
local removed = {}
for _, entry in ipairs(share_of(KEYS[1], ARGV[3])) do
  if wanted[entry] then
    wanted[entry] = nil
  else
    redis.call('ZREM', KEYS[1], entry)
    removed[#removed + 1] = entry
  end
end
local added = {}
for entry in pairs(wanted) do added[#added + 1] = entry end
local count = redis.call('ZCARD', KEYS[1]) + #added
local reply = {tostring(#added + #removed), tostring(count)}
if #added + #removed > 0 then
  local is_over_limit = count > tonumber(ARGV[2])
  local present, entering = {}, users_among(added)
  -- A room below the announce limit is small enough to be read.
  if not is_over_limit then present = users_among(redis.call('ZRANGE', KEYS[1], 0, -1)) end
  for i, entry in ipairs(added) do
    redis.call('ZADD', KEYS[1], 0, entry)
    local user = user_of(entry)
    local user_id = user_text(user)
    -- The absence of these sessions was not announced, unless a leave notice was sent: then a join notice follows.
    if call('ZREM', KEYS[3], user_id) == 1 and not present[user] and not is_over_limit then
      publish_notice(ARGV[1], 'j', nth_id(ARGV[5], i), '-', user_id, name_of(entry, user), count)
    end
    call('HDEL', KEYS[2], user_id)
    present[user] = true
  end
  for _, entry in ipairs(removed) do
    local user = user_of(entry)
    if user and not present[user] and not entering[user] and not is_over_limit then
      start_grace_period(KEYS[2], user_text(user), name_of(entry, user), tonumber(ARGV[4]))
    end
  end
  if ARGV[6] == '1' then publish_count(ARGV[1], count) end
end
append_pending_leaves(reply, KEYS[2])
return reply
