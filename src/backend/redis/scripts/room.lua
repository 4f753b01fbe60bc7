-- Put in front of every script that changes who is in a room. An entry of the members' set is
-- "<node id> <connection id> <user id> <username>"; the username may hold spaces.
--
-- Scripts read Redis' clock, never a node's.
local function now_millis()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function millis_text(millis) return string.format('%.0f', millis) end

-- '' if it is no entry.
local function user_of(entry) return string.match(entry, '^%S+ %S+ (%S+) ') or '' end
local function name_of(entry) return string.match(entry, '^%S+ %S+ %S+ (.*)$') or '' end
local function node_of(entry) return string.match(entry, '^%S+') end

-- The users who have a session among `entries`. Nobody's is always among them: of what somebody else has
-- put there nobody is told.
local function users_among(entries)
  local users = {[''] = true}
  for _, entry in ipairs(entries) do users[user_of(entry)] = true end
  return users
end

-- Whether one of `entries`, `except` aside, is a session of the user. Nobody's always is, as above.
local function has_session(entries, user, except)
  if user == '' then return true end
  for _, entry in ipairs(entries) do
    -- Looking for the text alone is quick, and rules out most.
    if string.find(entry, user, 1, true) and entry ~= except and user_of(entry) == user then return true end
  end
  return false
end

-- entered: the connection whose entrance is told so, if one's is.
local function tell_count(channel, count, entered)
  redis.call(PUBLISH, channel, 'c ' .. count .. ' ' .. (entered or '-'))
end

-- kind: 'j' or 'l'; connection: '-' if no session caused it.
local function tell_notice(channel, kind, id, connection, user, name, count)
  redis.call(PUBLISH, channel, kind .. ' ' .. id .. ' ' .. connection .. ' ' .. user .. ' ' .. count
    .. ' ' .. millis_text(now_millis()) .. '\n' .. name)
end

-- How long it is remembered that a user's leave notice was said after waiting.
local FAREWELL_MILLIS = 600000

-- Longer than any step of Redis' clock that is likely: a leave notice that is forgotten is never sent.
local LINGERING_MILLIS = 172800000

-- A user whose last session broke off: the leave notice waits. Returns the token that tells this wait from the user's
-- next one. How long it lasts says the index of what is due, which the caller keeps, by one clock for all rooms.
local function linger(lingering, user, name, millis)
  local token = millis_text(now_millis() + millis)
  redis.call('HSET', lingering, user, token .. ' ' .. name)
  redis.call('PEXPIRE', lingering, millis + LINGERING_MILLIS)
  return token
end

-- Appends to `reply` each user whose leave notice waits, and the token.
local function append_lingering(reply, lingering)
  local all = redis.call('HGETALL', lingering)
  for i = 1, #all, 2 do
    local token = string.match(all[i + 1], '^(%d+) ')
    if token then
      reply[#reply + 1] = all[i]
      reply[#reply + 1] = token
    end
  end
end

-- Each of many notices needs an id of its own: the seed with its tail counted on.
local function nth_id(seed, n)
  return string.sub(seed, 1, 24) .. string.format('%012x', n)
end
