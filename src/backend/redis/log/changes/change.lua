-- Prepended to the scripts of changes, behind `once.lua` and `beside()`: a change refers to a text of the log, and is appended
-- to a stream of its own under the next number of the room. Here the text is found; `finish.lua` does the rest. Each function
-- that a script makes costs as much as a short command, and Lua hashes all bytes of each string that it makes; so what each change
-- needs stands here in a row, and joins no more strings than it must.
-- KEYS, ARGV[1] to [10] as in `once.lua`  [11] history.max_changes  [12] number of the text
-- ARGV[13] the user's id as JSON  [14] the change's JSON, still open; that of an edit ends where its content comes
-- FIELD: what the script needs of the text in `state` besides its extras
-- IS_REACTION: whether it is one
-- Returns {0, epoch, seq, timestamp, rest}, {3} if there is no such text, {4} if the user may not change it,
-- {5} if it has too many reactions, {6, epoch, timestamp} if nothing changed, or as `once.lua`.
-- rest: of a delete what else the JSON of its text had (mentions, files), each behind a comma.
local MAX_CHANGES, TARGET, USER, JSON = ARGV[11], ARGV[12], ARGV[13], ARGV[14]
-- Its JSON without what was added later, its extras as in `texts.lua`, and its time as a number.
local text, at, edited, reply, where, kinds, posted = nil, nil, '-', nil, 's', '', nil
-- A reaction looks at its extras first, since most texts with one have more. Another change looks into the stream first: a text that is
-- found there was not edited, and `finish.lua` learns whether it has reactions.
local kept, entry = nil, nil
if not IS_REACTION then entry = redis.call('XRANGE', LOG, TARGET, TARGET, 'COUNT', '1')[1] end
if not entry then
  kept = redis.call('HMGET', STATE, 'x' .. TARGET, FIELD)
  if kept[1] then
    at, edited, reply, where, kinds = string.match(kept[1], '^%d+ (%d+) (%S+) (%S+) ([sed])(.*)$')
    posted = tonumber(at)
    -- An older text is not there any more.
    if not posted or posted < now - TTL then at, edited, reply, where, kinds, posted = nil, '-', nil, 's', '', nil end
  end
  if where == 'd' then return {3} end
  if where == 'e' then
    text = kept[2]
  elseif not posted and IS_REACTION then
    entry = redis.call('XRANGE', LOG, TARGET, TARGET, 'COUNT', '1')[1]
  end
end
local is_first = not posted
if entry then
  local fields = entry[2]
  -- As `append.lua` writes it.
  local is_usual = fields[1] == 't' and fields[3] == 'm' and fields[5] == 'v' and fields[6] == '1'
    and (not fields[7] or fields[7] == 'r' and not fields[9]) and string.find(fields[2], '^%d+$')
  if is_usual then
    text, at, reply, posted = fields[4], fields[2], fields[8] or '-', whole(fields[2])
    if not posted or posted < now - TTL then return {3} end
  else
    text, at, reply = beside().in_stream(TARGET)
    posted = tonumber(at)
  end
end

-- As `places` in `texts.lua`. That of a text with reactions is needed for other changes alone.
local author, content, ended, _ = nil, nil, nil, nil
if text then
  author = string.find(text, ',"user_id":"', 1, true)
  if author and not IS_REACTION then
    _, content = string.find(text, ',"content":"', author, true)
    ended = string.find(text, '","type":"text"', content or 1, true)
  end
end
if IS_REACTION then
  if is_first and not author then return {3} end
elseif not (content and ended) then
  return {3}
end

-- For `finish.lua`: the content of an edit; whether the text leaves the stream; the value of FIELD, if it gets one; what else is
-- written once the change has its number; the last of the reply.
local content_now, is_leaving, value, further, rest = '', false, nil, nil, ''
