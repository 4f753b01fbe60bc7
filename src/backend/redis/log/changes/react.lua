-- Adds a user's reaction to a text, or takes it back.
-- KEYS, ARGV[1] to [14] and replies as in `change.lua`  [15] the emoji  [16] '1' to add it
-- Kinds of reactions to a text at most, and users of a lane that its record has.
local KINDS, USERS = 20, 20
local EMOJI, IS_ON = ARGV[15], ARGV[16] == '1'
local lane, place, count, users = '-', 0, 0, ''
if kept[2] then
  lane, place, count, users = string.match(kept[2], '^(%S+) (%d+) (%d+) (.*)$')
  if not lane then lane, place, count, users = '-', 0, 0, '' end
  place, count = tonumber(place), tonumber(count)
end
local from, to = string.find(',' .. users .. ',', ',' .. USER .. ',', 1, true)
local is_there = from ~= nil or count > USERS and redis.call('ZSCORE', REACTIONS, lane .. ' ' .. USER) ~= false
if is_there == IS_ON then
  remember('-')
  return {6, h.epoch, timestamp}
end
if IS_ON then
  -- All places of a lane may have been taken once.
  if place + 1 >= LANE then return {5} end
  if count == 0 then
    local _, others = string.gsub(kinds, ' ', '')
    if others >= KINDS then return {5} end
    kinds = kinds .. ' ' .. EMOJI
  end
  if count < USERS then
    users = count == 0 and USER or users .. ',' .. USER
  else
    local is_first_of_lane = count == USERS
    if lane == '-' then lane = digits(redis.call('HINCRBY', STATE, 'lanes', 1)) end
    local score = digits(lane * LANE + place)
    further = function()
      redis.call('ZADD', REACTIONS, score, lane .. ' ' .. USER)
      if is_first_of_lane then redis.call('PEXPIRE', REACTIONS, TTL + SPARE) end
    end
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
  if gone and count > USERS then
    further = function() redis.call('ZREM', REACTIONS, lane .. ' ' .. gone) end
  end
  count = count - 1
end
if count > 0 then
  value = lane .. ' ' .. digits(place) .. ' ' .. digits(count) .. ' ' .. users
else
  further = function() redis.call('HDEL', STATE, FIELD) end
  local first, last = string.find(kinds .. ' ', ' ' .. EMOJI .. ' ', 1, true)
  if first then kinds = string.sub(kinds, 1, first - 1) .. string.sub(kinds, last) end
end
