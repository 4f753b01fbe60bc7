-- Counts the texts of a room that a user has not read. Writes nothing.
-- KEYS as in `cursors.lua`  ARGV[1] ttl of the log, ms  [2] user  [3] user as JSON
-- ARGV[4] number after which to count; '' to begin at the cursor  [5] texts that one call looks at, at most
-- ARGV[6] number up to which to count; '' for the head
-- Returns {head, cursor or '', texts, mentions, reached, JSON of the newest text or ''}.
-- reached: the number up to which was counted. The newest text is looked for by the first call alone.
local TTL, USER, NAMED, FROM, MOST = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local AUTHOR, OWN = ',"user_id":', ',"user_id":' .. NAMED .. ','
local MENTIONS = ',"mentions":['
local h = read_head()
local seq = h and h.seq or 0
if not h or h.run ~= REPLID then
  local last = redis.call('XREVRANGE', LOG, '+', '-', 'COUNT', 1)[1]
  seq = math.max(seq, last and number_of(last) or 0)
end
h = h or {epoch = '', seq = seq, past = '', start = seq, changed = highest(CHANGES)}
seq = math.min(seq, tonumber(ARGV[6]) or seq)
since = clock() - TTL
local texts = h.changed and pages()
local bottom = oldest_kept(seq, since)
if texts then bottom = texts.oldest_moved(bottom) or bottom end
local cursor = place_of(h, stored_cursor(USER))
local from = math.max(bottom, (FROM == '' and cursor or tonumber(FROM) or 0) + 1)
local unread, mentions, reached = 0, 0, seq

-- The JSON of a text in the stream; nil if this version can't read it.
local function stored(entry)
  local version = field(entry, 'v')
  return number_of(entry) and (not version or version == '1') and field(entry, 'm') or nil
end

-- Whether the user is in a list of strings that begins at a place in JSON.
local function is_named(json, at)
  -- In most lists it is not, nor looks as if it were.
  if not string.find(json, NAMED, at, true) then return false end
  while string.byte(json, at) == 34 do
    if string.sub(json, at, at + #NAMED - 1) == NAMED then return true end
    local ended = string.find(json, '["\\]', at + 1)
    while ended and string.byte(json, ended) == 92 do ended = string.find(json, '["\\]', ended + 2) end
    if not ended then return false end
    at = ended + 2
  end
  return false
end

local function count(json)
  local author = json and string.find(json, AUTHOR, 1, true)
  if not author or string.sub(json, author, author + #OWN - 1) == OWN then return end
  unread = unread + 1
  -- No string in JSON has an unescaped quote, so this is no part of one.
  local list = string.find(json, MENTIONS, author, true)
  if list and is_named(json, list + #MENTIONS) then mentions = mentions + 1 end
end

-- The extras of texts that were changed, by their order in `numbers`.
local function extras_of(numbers)
  if #numbers == 0 then return {} end
  local fields = {}
  for i, number in ipairs(numbers) do fields[i] = 'x' .. number end
  local found = redis.call('HMGET', STATE, unpack(fields))
  for i = 1, #numbers do found[i] = parsed(found[i]) or false end
  return found
end

if from <= seq then
  local entries = redis.call('XRANGE', LOG, digits(from), digits(seq), 'COUNT', MOST)
  local numbers = texts and redis.call('ZRANGEBYSCORE', ALTERED, digits(from), digits(seq), 'LIMIT', 0, MOST) or {}
  if entries[MOST] then reached = tonumber(string.match(entries[MOST][1], '^%d+')) end
  if numbers[MOST] then reached = math.min(reached, tonumber(numbers[MOST])) end
  for _, entry in ipairs(entries) do
    if tonumber(string.match(entry[1], '^%d+')) > reached then break end
    count(stored(entry))
  end
  for i, x in ipairs(extras_of(numbers)) do
    if x and x.where == 'e' and tonumber(numbers[i]) <= reached then
      count(redis.call('HGET', STATE, 'm' .. numbers[i]))
    end
  end
end

-- The newest text that was edited, above a number.
local function newest_edited(above)
  local to, page = digits(seq), 64
  while true do
    local numbers = redis.call('ZREVRANGEBYSCORE', ALTERED, to, '(' .. digits(above), 'LIMIT', 0, page)
    for i, x in ipairs(extras_of(numbers)) do
      if x and x.where == 'e' then return redis.call('HGET', STATE, 'm' .. numbers[i]) end
    end
    if #numbers < page then return nil end
    to = '(' .. numbers[page]
  end
end

local newest = nil
if FROM == '' and bottom <= seq then
  local entry = redis.call('XREVRANGE', LOG, digits(seq), digits(bottom), 'COUNT', 1)[1]
  newest = entry and stored(entry)
  if texts then newest = newest_edited(math.max(bottom - 1, entry and number_of(entry) or 0)) or newest end
end
return {digits(seq), cursor and digits(cursor) or '', unread, mentions, digits(reached), newest or ''}
