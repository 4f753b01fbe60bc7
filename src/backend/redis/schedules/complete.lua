-- Records that times were fired.
-- KEYS[1] due schedules  [2] schedules  [3] clock
-- ARGV[1], [2] id and due (ms) of the first  [3] …
local _, ahead = cluster_time(KEYS[3])
for i = 1, #ARGV, 2 do
  local schedule = schedule_of(call('HGET', KEYS[2], ARGV[i]))
  if schedule then
    local waiting = {}
    for _, one in ipairs(schedule.waiting) do
      if one.due ~= ARGV[i + 1] then waiting[#waiting + 1] = one end
    end
    schedule.waiting = waiting
    call('ZCARD', KEYS[1])
    store(KEYS[1], KEYS[2], ARGV[i], schedule, ahead)
  end
end
return 1
