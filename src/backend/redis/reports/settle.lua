-- Removes a report.
-- KEYS as in `reports.lua`  ARGV[1] its id
-- Returns 1, or 0 if there is none.
local entry = entry_of(ARGV[1])
if not entry then return 0 end
forget(entry)
return 1
