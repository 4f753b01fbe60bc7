-- Prepended to every script that changes the members of a room, behind `types.lua`, `share.lua` and `publish.lua`.
-- The members of a room are a sorted set in which all scores are 0; `entry.rs` documents an entry.
--
-- Scripts read Redis' clock, never a node's.
local function now_millis()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function millis_text(millis) return string.format('%.0f', millis) end

-- The user of an entry: its length and its bytes; nil if the entry can't be read.
local function user_of(entry)
  local version, length = string.byte(entry, 33, 34)
  if version ~= 1 or not length then return nil end
  local last = 34 + (length == 0 and 16 or length)
  return #entry > last and string.sub(entry, 34, last) or nil
end

local function name_of(entry, user) return string.sub(entry, 34 + #user) end

-- Written out: Lua makes it anew in each call.
local UUID = '%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x'

-- The text of the user's id.
local function user_text(user)
  if string.byte(user, 1) > 0 then return string.sub(user, 2) end
  return string.format(UUID, string.byte(user, 2, 17))
end

-- The users who have a session among `entries`.
local function users_among(entries)
  local users = {}
  for _, entry in ipairs(entries) do
    local user = user_of(entry)
    if user then users[user] = true end
  end
  return users
end

-- Whether one of `entries`, `except` aside, is a session of the user.
local function has_session(entries, user, except)
  for _, entry in ipairs(entries) do
    -- To look for the bytes is quicker than to cut them out.
    if string.find(entry, user, 34, true) == 34 and entry ~= except and user_of(entry) then return true end
  end
  return false
end

-- entered: the connection that has entered, if the count announces it.
local function publish_count(channel, count, entered)
  publish(channel, 'c ' .. count .. ' ' .. (entered or '-'))
end

-- kind: 'j' or 'l'; connection: '-' if no session caused it; user: the text of the id. Returns the time of the notice, ms.
local function publish_notice(channel, kind, id, connection, user, name, count)
  local at = millis_text(now_millis())
  publish(channel, kind .. ' ' .. id .. ' ' .. connection .. ' ' .. user .. ' ' .. count .. ' ' .. at .. '\n' .. name)
  return at
end

-- How long a leave notice that was sent after a grace period is remembered.
local ANNOUNCED_MILLIS = 600000

-- Longer than any likely step of Redis' clock: a pending leave that expires is never sent.
local PENDING_MILLIS = 172800000

-- Starts the grace period of a user whose last connection was lost. Returns the token of this period. Its end is in
-- the schedule of leaves alone, which the caller updates, so one clock decides for all rooms.
local function start_grace_period(pending_leaves, user, name, millis)
  local token = millis_text(now_millis() + millis)
  call('HSET', pending_leaves, user, token .. ' ' .. name)
  redis.call('PEXPIRE', pending_leaves, millis + PENDING_MILLIS)
  return token
end

-- Appends to `reply` each user with a pending leave, and its token.
local function append_pending_leaves(reply, pending_leaves)
  local all = call('HGETALL', pending_leaves)
  for i = 1, #all, 2 do
    local token = string.match(all[i + 1], '^(%d+) ')
    if token then
      reply[#reply + 1] = all[i]
      reply[#reply + 1] = token
    end
  end
end

-- The id of the n-th notice: the seed with another tail.
local function nth_id(seed, n)
  return string.sub(seed, 1, 24) .. string.format('%012x', n)
end
