-- A page of a room's log. Writes nothing.
-- KEYS[1] head  KEYS[2] log
-- ARGV[1] ttl of the log, ms  [2] most messages  [3] bytes at which a page ends
-- ARGV[4] 'newest', 'before', 'above' or 'after'  [5] seq, of all but newest  [6] epoch, of after
-- Returns {epoch, seq, proven, resume_at, oldest, more, number, json, number, json, …}, the oldest entry first.
-- epoch: '' if none is open under this replication id; then a page of 'after' is empty, as nothing is proven.
-- json: '' if this version can't read the entry.
local h = read_head(KEYS[1])
local is_open = h ~= nil and h.run == REPLID
local seq = h and h.seq or 0
if not is_open then
  local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
  seq = math.max(seq, last and number_of(last) or 0)
end
local oldest = oldest_kept(KEYS[2], seq, tonumber(ARGV[1]))

local limit, span, place = tonumber(ARGV[2]), ARGV[4], tonumber(ARGV[5])
local proven, resume_at = 1, oldest - 1
if span == 'above' then
  resume_at = place
elseif span == 'after' then
  if not is_open then return {'', digits(seq), 0, digits(seq), digits(oldest), 0} end
  -- The last number on which reader and log agree. For an epoch that is not in the lineage this is the start of the
  -- current epoch (or of one that ended soon after its start), or the reader's number if it is lower.
  local ended = nil
  if ARGV[6] == h.epoch then ended = seq end
  for name, last in string.gmatch(h.past, '(%S+):(%d+)') do
    if name == ARGV[6] then ended = tonumber(last) end
  end
  if not ended then
    proven, resume_at = 0, math.min(place, h.start)
  elseif place > ended then
    proven, resume_at = 0, ended
  else
    resume_at = place
  end
end

local is_backward, entries = span == 'newest' or span == 'before', {}
local top = span == 'before' and math.min(place - 1, seq) or seq
local bottom = is_backward and oldest or math.max(resume_at + 1, oldest)
if bottom <= top then
  local command = is_backward and 'XREVRANGE' or 'XRANGE'
  local from, to = digits(is_backward and top or bottom), digits(is_backward and bottom or top)
  entries = redis.call(command, KEYS[2], from, to, 'COUNT', limit + 1)
end

-- Its JSON; '' if this version can't read the entry.
local function content(entry)
  local fields = entry[2]
  if not string.find(entry[1], '-0', -2, true) then return '' end
  -- As `append.lua` writes it.
  if fields[3] == 'm' and fields[6] == '1' and fields[5] == 'v' and #fields == 6 then return fields[4] end
  local version = field(entry, 'v')
  return (not version or version == '1') and field(entry, 'm') or ''
end
local contents, bytes, most_bytes = {}, 0, tonumber(ARGV[3])
for i = 1, math.min(#entries, limit) do
  local json = content(entries[i])
  bytes = bytes + #json
  if i > 1 and bytes > most_bytes then break end
  contents[i] = json
end
local reply = {is_open and h.epoch or '', digits(seq), proven, digits(resume_at), digits(oldest),
  #contents < #entries and 1 or 0}
for i = 1, #contents do
  local at = is_backward and #contents + 1 - i or i
  reply[5 + 2 * i], reply[6 + 2 * i] = string.match(entries[at][1], '^%d+'), contents[at]
end
return reply
