-- A page of a room's log.
-- KEYS[1] head  KEYS[2] log
-- ARGV[1] ttl of the head, ms  [2] ttl of the log, ms  [3] most messages  [4] bytes at which a page ends
-- ARGV[5] 'newest', 'before', 'above' or 'after'  [6] seq, of all but newest  [7] epoch, of after
-- Returns {epoch, seq, proven, resume_at, oldest, more, json, json, …}, the oldest message first.
local epoch, seq, start, past = open_head(KEYS[1], KEYS[2], ARGV[1])
drop_old(KEYS[2], tonumber(ARGV[2]))
local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
local oldest = first and tonumber(string.match(first[1], '^%d+')) or seq + 1

local limit, span, place = tonumber(ARGV[3]), ARGV[5], tonumber(ARGV[6])
local proven, resume_at = 1, oldest - 1
if span == 'above' then
  resume_at = place
elseif span == 'after' then
  -- The last number that the reader and this log agree on. An epoch that is not in the lineage
  -- tells nothing: all that the current one numbered, or one that it ended soon after its beginning, is
  -- new to its reader, and so is what the log has above the reader's own number.
  local ended = nil
  if ARGV[7] == epoch then ended = seq end
  for name, last in string.gmatch(past, '(%S+):(%d+)') do
    if name == ARGV[7] then ended = tonumber(last) end
  end
  if not ended then
    proven, resume_at = 0, math.min(place, start)
  elseif place > ended then
    proven, resume_at = 0, ended
  else
    resume_at = place
  end
end

local entries
local is_backward = span == 'newest' or span == 'before'
if span == 'newest' then
  entries = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', limit + 1)
elseif span == 'before' then
  entries = place > 0 and redis.call('XREVRANGE', KEYS[2], string.format('(%.0f-0', place), '-', 'COUNT', limit + 1) or {}
else
  entries = redis.call('XRANGE', KEYS[2], string.format('(%.0f-0', resume_at), '+', 'COUNT', limit + 1)
end
local taken, bytes = 0, 0
for i = 1, math.min(#entries, limit) do
  bytes = bytes + #entries[i][2][4]
  if i > 1 and bytes > tonumber(ARGV[4]) then break end
  taken = i
end
local reply = {epoch, seq, proven, resume_at, oldest, taken < #entries and 1 or 0}
for i = 1, taken do
  local entry = entries[is_backward and taken + 1 - i or i]
  reply[#reply + 1] = string.match(entry[1], '^%d+')
  reply[#reply + 1] = entry[2][4]
end
return reply
