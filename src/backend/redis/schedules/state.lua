-- Functions for the hash of schedules. Prepended to their scripts, behind `clock.lua`. A value is
--   "<period, ms; 0: once> <next, ms; -: none> <waiting>@<end of its claim> …\n<JSON>"
-- Times of a period are by the cluster's clock, that of once is by Redis' own; ends of claims are by the cluster's.

-- A schedule of its value; nil if adda did not write it.
local function schedule_of(value)
  local every, next, rest, words = string.match(value or '', '^(%d+) (%S+)([^\n]*)\n(.*)$')
  every = millis_of(every)
  if not every or next ~= '-' and not millis_of(next) then return nil end
  local waiting = {}
  for due, ends in string.gmatch(rest, '(%d+)@(%d+)') do
    waiting[#waiting + 1] = {due = due, ends = millis_of(ends) or 0}
  end
  return {every = every, next = next ~= '-' and tonumber(next) or nil, waiting = waiting, words = words}
end

-- When the schedule is due next by the cluster's clock, which is ahead of Redis' own.
local function due_at(schedule, ahead)
  if not schedule.next then return nil end
  return schedule.every > 0 and schedule.next or schedule.next + ahead
end

-- Stores a schedule, and the time at which there is something to claim. One without times is removed.
local function store(due, schedules, id, schedule, ahead)
  local score, rest = due_at(schedule, ahead), {}
  for i, one in ipairs(schedule.waiting) do
    score = math.min(score or one.ends, one.ends)
    rest[i] = ' ' .. one.due .. '@' .. text_of(one.ends)
  end
  if not score then
    redis.call('ZREM', due, id)
    redis.call('HDEL', schedules, id)
    return
  end
  local next = schedule.next and text_of(schedule.next) or '-'
  local value = text_of(schedule.every) .. ' ' .. next .. table.concat(rest) .. '\n' .. schedule.words
  redis.call('HSET', schedules, id, value)
  redis.call('ZADD', due, text_of(score), id)
end
