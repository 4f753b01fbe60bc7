-- Keeps a report, unless the same was reported before, and drops the oldest beyond a number.
-- KEYS as in `reports.lua`  ARGV[1] reports, at most  [2] what it is about  [3] the report, JSON
-- Returns {1 if it is new else 0, its id}.
local known = call('HGET', SUBJECTS, ARGV[2])
if known and entry_of(known) then return {0, known} end
local id = call('XADD', REPORTS, '*', 'v', '1', 'e', ARGV[3], 's', ARGV[2])
call('HSET', SUBJECTS, ARGV[2], id)
local over = redis.call('XLEN', REPORTS) - ARGV[1]
if over > 0 then
  for _, entry in ipairs(redis.call('XRANGE', REPORTS, '-', '+', 'COUNT', over)) do forget(entry) end
end
return {1, id}
