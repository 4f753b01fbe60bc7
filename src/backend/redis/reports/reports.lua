-- Prepended to the scripts of reports.
-- KEYS[1] reports, a stream: fields `v`, `e` (JSON) and `s` (what it is about)  KEYS[2] subjects, a hash: `s` → entry id
local REPORTS, SUBJECTS = KEYS[1], KEYS[2]

-- The entry of an id, if there is one.
local function entry_of(id)
  if not string.match(id or '', '^%d+%-%d+$') then return nil end
  return call('XRANGE', REPORTS, id, id)[1]
end

local function subject_of(entry)
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 's' then return entry[2][i + 1] end
  end
end

local function forget(entry)
  local subject = subject_of(entry)
  if subject and call('HGET', SUBJECTS, subject) == entry[1] then redis.call('HDEL', SUBJECTS, subject) end
  redis.call('XDEL', REPORTS, entry[1])
end
