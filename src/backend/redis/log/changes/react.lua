-- Adds a user's reaction to a text, or takes it back.
-- KEYS, ARGV[1] to [14] and replies as in `change.lua`  [15] the emoji  [16] '1' to add it
-- Kinds of reactions to a text at most, and users of a lane that its record has.
local KINDS, USERS = 20, 20
local EMOJI, IS_ON = ARGV[15], ARGV[16] == '1'
local FIELD = 'l' .. TARGET .. ' ' .. EMOJI
if tonumber(TARGET) > h.seq then return {3} end
-- A text that was changed is there as long as its extras are.
local kept = redis.call('HMGET', STATE, 'x' .. TARGET, FIELD)
local x = parsed(kept[1])
if not x or tonumber(x.at) < since then
  local text, at, reply = in_stream(TARGET)
  if not text or not places(text) then return {3} end
  x = first_extras(at, reply)
end
if x.where == 'd' then return {3} end

local lane, place, count, users = string.match(kept[2] or '- 0 0 ', '^(%S+) (%d+) (%d+) (.*)$')
if not lane then lane, place, count, users = '-', 0, 0, '' end
place, count = tonumber(place), tonumber(count)
local from, to = string.find(',' .. users .. ',', ',' .. USER .. ',', 1, true)
local is_there = from ~= nil or count > USERS and redis.call('ZSCORE', REACTIONS, lane .. ' ' .. USER) ~= false
if is_there == IS_ON then
  remember('-')
  return {6, h.epoch, timestamp}
end
if IS_ON then
  -- All places of a lane may have been taken once.
  if place + 1 >= LANE then return {5} end
  local _, kinds = string.gsub(x.kinds, ' ', '')
  if count == 0 and kinds >= KINDS then return {5} end
end

local json, refusal = append()
if refusal then return refusal end
if IS_ON then
  if count == 0 then x.kinds = x.kinds .. ' ' .. EMOJI end
  if count < USERS then
    users = count == 0 and USER or users .. ',' .. USER
  else
    if lane == '-' then lane = digits(redis.call('HINCRBY', STATE, 'lanes', 1)) end
    redis.call('ZADD', REACTIONS, digits(lane * LANE + place), lane .. ' ' .. USER)
    if count == USERS then redis.call('PEXPIRE', REACTIONS, TTL + SPARE) end
    place = place + 1
  end
  count = count + 1
else
  local gone = USER
  if from then
    users = string.sub(users, 1, math.max(from - 2, 0)) .. string.sub(users, from == 1 and to or to - 1)
    -- The next user takes the place in the record.
    local next_user = count > USERS and redis.call('ZRANGEBYSCORE', REACTIONS, digits(lane * LANE),
      '(' .. digits((lane + 1) * LANE), 'LIMIT', 0, 1)[1]
    gone = next_user and string.sub(next_user, #lane + 2)
    if gone then users = users .. ',' .. gone end
  end
  if gone and count > USERS then redis.call('ZREM', REACTIONS, lane .. ' ' .. gone) end
  count = count - 1
end
if count == 0 then
  redis.call('HDEL', STATE, FIELD)
  local first, last = string.find(x.kinds .. ' ', ' ' .. EMOJI .. ' ', 1, true)
  if first then x.kinds = string.sub(x.kinds, 1, first - 1) .. string.sub(x.kinds, last) end
  return finish(x, json, '')
end
return finish(x, json, '', FIELD, lane .. ' ' .. digits(place) .. ' ' .. digits(count) .. ' ' .. users)
