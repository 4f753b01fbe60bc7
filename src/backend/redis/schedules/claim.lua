-- Claims due times of schedules.
-- KEYS[1] due schedules  [2] schedules  [3] clock
-- ARGV[1] how long a claim holds, ms  [2] schedules, at most  [3] times of a schedule that wait, at most
-- Returns {ms until there may be something to claim, -1: nothing; {id, due (ms), by how much it is late (ms), the schedule's
-- value, …}}.
local now, ahead = cluster_time(KEYS[3])
local claims, ends, most_waiting = {}, now + ARGV[1], tonumber(ARGV[3])

local function emit(id, due, late, value)
  for _, part in ipairs({id, due, text_of(math.max(late, 0)), value}) do claims[#claims + 1] = part end
end

for _, id in ipairs(call('ZRANGEBYSCORE', KEYS[1], '-inf', text_of(now), 'LIMIT', 0, ARGV[2])) do
  local value = call('HGET', KEYS[2], id)
  local schedule = schedule_of(value)
  if not schedule then
    redis.call('ZREM', KEYS[1], id)
  else
    for _, one in ipairs(schedule.waiting) do
      if one.ends <= now then
        one.ends = ends
        emit(id, one.due, now - (schedule.every > 0 and one.due or one.due + ahead), value)
      end
    end
    local due = due_at(schedule, ahead)
    if due and due <= now then
      local time = text_of(schedule.next)
      if #schedule.waiting < most_waiting then
        table.insert(schedule.waiting, {due = time, ends = ends})
        emit(id, time, now - due, value)
      end
      -- The phase is kept, and times that have passed as well are passed over.
      local every = schedule.every
      schedule.next = every > 0 and due + (math.floor((now - due) / every) + 1) * every or nil
    end
    store(KEYS[1], KEYS[2], id, schedule, ahead)
  end
end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local wait = first[2] and math.max(0, (millis_of(first[2]) or 0) - now) or -1
return {text_of(wait), claims}
