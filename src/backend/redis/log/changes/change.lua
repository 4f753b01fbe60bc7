-- Prepended to the scripts of changes, behind `once.lua` and `beside()`: a change refers to a text of the log, and is appended
-- to a stream of its own under the next number of the room. Here the text is found; `finish.lua` does the rest. Each function
-- that a script makes costs as much as a short command, so what each change needs stands here in a row.
-- KEYS, ARGV[1] to [10] as in `once.lua`  [11] history.max_changes  [12] number of the text
-- ARGV[13] the user's id as JSON  [14] the change's JSON, still open, with an empty content
-- FIELD: what the script needs of the text in `state` besides its extras
-- IS_REACTION: whether it is one
-- Returns {0, epoch, seq, timestamp, rest}, {3} if there is no such text, {4} if the user may not change it,
-- {5} if it has too many reactions, {6, epoch, timestamp} if nothing changed, or as `once.lua`.
-- rest: of a delete what else the JSON of its text had (mentions, files), each behind a comma.
local MAX_CHANGES, TARGET, USER, JSON = ARGV[11], ARGV[12], ARGV[13], ARGV[14]
if tonumber(TARGET) > h.seq then return {3} end
local kept = redis.call('HMGET', STATE, 'x' .. TARGET, FIELD, 'moved')
-- Texts that are not in the stream.
local moved = whole(kept[3]) or 0

-- Its extras as in `texts.lua`, the time as a number, and whether it has none yet.
local at, edited, reply, where, kinds = string.match(kept[1] or '', '^%d+ (%d+) (%S+) (%S+) ([sed])(.*)$')
local posted = tonumber(at)
-- An older text is not there any more.
local is_first = not posted or posted < now - TTL
if is_first then at, posted, edited, where, kinds = nil, nil, '-', 's', '' end
if where == 'd' then return {3} end

-- Its JSON without what was added later. That of a text with reactions is needed for other changes alone.
local text = nil
if where == 'e' then
  text = kept[2]
elseif is_first or not IS_REACTION then
  local entry = redis.call('XRANGE', LOG, TARGET, TARGET, 'COUNT', 1)[1]
  local fields = entry and entry[2] or {}
  local is_usual = fields[1] == 't' and fields[3] == 'm' and fields[5] == 'v' and fields[6] == '1'
    and (not fields[7] or fields[7] == 'r' and not fields[9]) and string.find(fields[2], '^%d+$')
  if is_usual then
    -- As `append.lua` writes it.
    local time = whole(fields[2])
    if time and time >= now - TTL then text, at, posted, reply = fields[4], fields[2], time, fields[8] or '-' end
  elseif entry then
    text, at, reply = beside().in_stream(TARGET)
    posted = tonumber(at)
  end
end

-- As `places` in `texts.lua`.
local author, content, ended, _ = nil, nil, nil, nil
if text then
  author = string.find(text, ',"user_id":"', 1, true)
  _, content = string.find(text, ',"content":"', author or 1, true)
  ended = string.find(text, '","type":"text"', content or 1, true)
end
if not (author and content and ended) and (is_first or not IS_REACTION) then return {3} end

-- For `finish.lua`: the JSON to publish in three parts, still open; whether the text leaves the stream; the value of FIELD, if it
-- gets one; what else is written once the change has its number; the last of the reply.
local opening, content_now, closing = JSON, '', ''
local is_leaving, value, further, rest = false, nil, nil, ''
