-- Adds a user's reaction to a text, or takes it back.
-- KEYS, ARGV[1] to [14] and replies as in `change.lua`  [15] the emoji  [16] '1' to add it
local KINDS = 20
local EMOJI, IS_ON = ARGV[15], ARGV[16] == '1'
-- A text that was changed is there as long as its extras are.
local x = tonumber(TARGET) <= h.seq and texts.extras(TARGET) or nil
if x and x.where == 'd' then return {3} end
if not x then
  local _, made = target()
  if not made then return {3} end
  x = made
end

local kinds, lane = 0, nil
for emoji, number in string.gmatch(x.kinds, ' (%S+)=(%d+)') do
  kinds = kinds + 1
  if emoji == EMOJI then lane = number end
end
local is_there = lane ~= nil and redis.call('ZSCORE', REACTIONS, lane .. ' ' .. USER) ~= false
if is_there == IS_ON then
  remember('-')
  return {6, h.epoch, timestamp}
end
local place, count, users = 0, 0, ''
if lane then place, count, users = texts.lane(lane) end
if (not lane and kinds >= KINDS) or (IS_ON and texts.is_full(place)) then return {5} end

local json, refusal = append()
if refusal then return refusal end
if not lane then
  lane = digits(redis.call('HINCRBY', STATE, 'lanes', 1))
  x.kinds = x.kinds .. ' ' .. EMOJI .. '=' .. lane
end
if IS_ON then
  texts.add_reaction(x, lane, USER, place, count, users)
elseif texts.remove_reaction(x, lane, USER, place, count, users) == 0 then
  x.kinds = string.gsub(x.kinds, ' %S+=' .. lane .. '%f[%D]', '', 1)
end
return finish(x, json)
