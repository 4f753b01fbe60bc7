-- Keeps a report, unless the same was reported before. Beyond a number it drops the oldest of a user with more than its share, or
-- else the oldest: nobody can push the reports of others out.
-- KEYS as in `reports.lua`  ARGV[1] reports, at most  [2] what it is about  [3] the report, JSON  [4] the share of a user
-- Returns {1 if it is new else 0, its id}.
local known = call('HGET', SUBJECTS, ARGV[2])
if known and entry_of(known) then return {0, known} end
local id = call('XADD', REPORTS, '*', 'v', '1', 'e', ARGV[3], 's', ARGV[2])
call('HSET', SUBJECTS, ARGV[2], id)
local over = redis.call('XLEN', REPORTS) - ARGV[1]
if over > 0 then
  local entries, reporters, counts = redis.call('XRANGE', REPORTS, '-', '+'), {}, {}
  for i, entry in ipairs(entries) do
    -- The subject begins with the user that reports.
    reporters[i] = string.match(subject_of(entry) or '', '^[^\n]*')
    counts[reporters[i]] = (counts[reporters[i]] or 0) + 1
  end
  local kept = {}
  for i, entry in ipairs(entries) do
    local by = reporters[i]
    if over > 0 and counts[by] > tonumber(ARGV[4]) then
      forget(entry)
      counts[by], over = counts[by] - 1, over - 1
    else
      kept[#kept + 1] = entry
    end
  end
  for i = 1, over do forget(kept[i]) end
end
return {1, id}
