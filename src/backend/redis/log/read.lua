-- A page of a room's log. Writes nothing.
-- KEYS as in `fence.lua`
-- ARGV[1] ttl of the log, ms  [2] most entries  [3] bytes at which a page ends
-- ARGV[4] 'newest', 'before', 'above' or 'after'  [5] seq, of all but newest  [6] epoch, of after
-- Returns {epoch, seq, proven, resume_at, oldest, oldest_text, more, number, json, number, json, …}, the oldest entry first.
-- Texts are as they are now. A page of 'after' has changes, too.
-- epoch: '' if none is open under this replication id; then a page of 'after' is empty, as nothing is proven.
-- json: '' if this version can't read the entry.
local ttl, limit, most_bytes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local span, place = ARGV[4], tonumber(ARGV[5])
local h = read_head()
local is_open = h ~= nil and h.run == REPLID
local seq = h and h.seq or 0
if not is_open then
  local last = redis.call('XREVRANGE', LOG, '+', '-', 'COUNT', 1)[1]
  seq = math.max(seq, last and number_of(last) or 0)
end
-- Most rooms have no changes.
local changed = h and h.changed or not h and highest(CHANGES)
since = clock() - ttl
local texts = changed and pages()
local oldest = oldest_kept(seq, since)
if changed then oldest = texts.oldest_moved(oldest) or oldest end

local proven, resume_at = 1, oldest - 1
-- The number from which on nothing was dropped.
local whole_from = oldest
if span == 'above' then
  resume_at = place
elseif span == 'after' then
  if not is_open then return {'', digits(seq), 0, digits(seq), digits(oldest), digits(oldest), 0} end
  proven, resume_at = continuity(h, ARGV[6], place)
  if changed then whole_from = math.max(oldest, texts.dropped(changed) + 1) end
end

local is_backward = span == 'newest' or span == 'before'
local top = span == 'before' and math.min(place - 1, seq) or seq
local bottom = is_backward and oldest or math.max(resume_at + 1, oldest)
local from, to = digits(is_backward and top or bottom), digits(is_backward and bottom or top)

-- {number as text, its JSON or a function that makes it}, in the direction of reading.
local found, extras = {}, {}

-- Its JSON; '' if this version can't read the entry.
local function stored(entry)
  local fields = entry[2]
  if not string.find(entry[1], '-0', -2, true) then return '' end
  -- As `append.lua` writes it.
  if fields[3] == 'm' and fields[6] == '1' and fields[5] == 'v' and #fields == 6 then return fields[4] end
  local version = field(entry, 'v')
  return (not version or version == '1') and field(entry, 'm') or ''
end

local function text(entry)
  local json, reply = stored(entry), #entry[2] > 6 and field(entry, 'r') or nil
  local seq = string.match(entry[1], '^%d+')
  local x = extras[seq]
  if json == '' or not (x or reply) then return json end
  texts = texts or pages()
  return texts.as_now(seq, json, x, reply)
end

if bottom <= top then
  local command = is_backward and 'XREVRANGE' or 'XRANGE'
  for i, entry in ipairs(redis.call(command, LOG, from, to, 'COUNT', limit + 1)) do
    found[i] = {string.match(entry[1], '^%d+'), text, entry}
  end
  if changed then
    local moved = nil
    moved, extras = texts.altered(from, to, is_backward, limit + 1)
    for _, number in ipairs(moved) do
      found[#found + 1] = {number, texts.moved, {number, extras[number]}}
    end
    if span == 'after' and changed >= bottom then
      for _, entry in ipairs(redis.call('XRANGE', CHANGES, from, to, 'COUNT', limit + 1)) do
        found[#found + 1] = {string.match(entry[1], '^%d+'), texts.change, entry}
      end
    end
    table.sort(found, function(one, other)
      local first, second = tonumber(one[1]), tonumber(other[1])
      if is_backward then return first > second end
      return first < second
    end)
  end
end

local contents, bytes = {}, 0
for i = 1, math.min(#found, limit) do
  local json = found[i][2](found[i][3])
  bytes = bytes + #json
  if i > 1 and bytes > most_bytes then break end
  contents[i] = json
end
local reply = {is_open and h.epoch or '', digits(seq), proven, digits(resume_at), digits(whole_from),
  digits(oldest), #contents < #found and 1 or 0}
for i = 1, #contents do
  local at = is_backward and #contents + 1 - i or i
  reply[6 + 2 * i], reply[7 + 2 * i] = found[at][1], contents[at]
end
return reply
