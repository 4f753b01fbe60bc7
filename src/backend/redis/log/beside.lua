-- Prepended to scripts that read or write texts as they are now. The stream of the log has a text as it was posted; what
-- has changed since is beside it:
--   state    hash  `x<seq>` → "<changed> <at, ms> <edited_at|-> <reply|-> <where> <emoji>=<lane> …", of each text that was
--                  changed. where: s (in the stream), e (edited: `m<seq>` → its JSON), d (deleted: the same)
--                  `l<lane>` → "<next> <count> <JSON of the first 20 users>", the reactions of one kind to one text
--                  `lanes` → number of lanes so far   `moved` → number of texts that are not in the stream
--                  `doomed` → "<lane> <lane> …", lanes whose reactions remain to be removed
--   altered  sorted set: the numbers of these texts, each its own score
-- A text that was edited or deleted is not in the stream any more. `KEYS` as in `fence.lua`.

-- The functions, made only by a script that needs them: most messages need none. Texts from before `since` (ms) are too old.
local function beside(since)
  local texts = {}

  local function parsed(x)
    local changed, at, edited, reply, where, kinds = string.match(x or '', '^(%d+) (%d+) (%S+) (%S+) ([sed])(.*)$')
    if not changed then return nil end
    return {changed = changed, at = tonumber(at), edited = edited, reply = reply, where = where, kinds = kinds}
  end

  texts.parsed, texts.since = parsed, since

  -- The changes of a text; nil if there are none, or it is too old.
  function texts.extras(seq)
    local x = parsed(redis.call('HGET', STATE, 'x' .. seq))
    return x and x.at >= since and x or nil
  end

  -- The JSON of a text without what was added later, its extras, its time and the number that it replies to; nil if it has left the log,
  -- was deleted or never was.
  function texts.find(seq)
    local x = texts.extras(seq)
    if x and x.where == 'd' then return nil end
    if x and x.where == 'e' then return redis.call('HGET', STATE, 'm' .. seq) or nil, x, x.at, x.reply end
    local entry = redis.call('XRANGE', LOG, seq, seq, 'COUNT', 1)[1]
    local at = entry and whole(field(entry, 't'))
    if not at or at < since or field(entry, 'v') ~= '1' then return nil end
    return field(entry, 'm') or nil, x, at, field(entry, 'r') or '-'
  end

  -- The places in a text's JSON: where its author begins, where its content begins and ends (with quotes), and where
  -- its time begins. No string in JSON has an unescaped quote, so these are what they seem.
  function texts.places(json)
    local author = string.find(json, ',"user_id":"', 1, true)
    local _, content = string.find(json, ',"content":"', author or 1, true)
    local ended = string.find(json, '","type":"text"', content or 1, true)
    local time = string.find(json, ',"timestamp":"[^"]*","seq":%d+}$')
    if author and content and ended and time then return author, content, ended, time end
  end

  -- The first 140 characters of a JSON string's inside.
  local function beginning(text)
    if #text <= 140 then return text end
    local at = 1
    for _ = 1, 140 do
      local byte = string.byte(text, at)
      if not byte then return text end
      if byte == 92 then
        at = at + (string.byte(text, at + 1) == 117 and 6 or 2)
      else
        at = at + (byte < 128 and 1 or byte < 224 and 2 or byte < 240 and 3 or 4)
      end
    end
    return string.sub(text, 1, at - 1)
  end

  local quotes = {}
  local function quotation(seq)
    if not quotes[seq] then
      local json = texts.find(seq)
      local author, content, ended = nil, nil, nil
      if json then author, content, ended = texts.places(json) end
      quotes[seq] = author and '{"seq":' .. seq .. string.sub(json, author, content)
        .. beginning(string.sub(json, content + 1, ended - 1)) .. '"}' or '{"seq":' .. seq .. ',"deleted":true}'
    end
    return quotes[seq]
  end

  local function reactions(kinds)
    local shown = {}
    for emoji, lane in string.gmatch(kinds, ' (%S+)=(%d+)') do
      local count, users = string.match(redis.call('HGET', STATE, 'l' .. lane) or '', '^%d+ (%d+) (.*)$')
      if count then shown[#shown + 1] = '"' .. emoji .. '":{"count":' .. count .. ',"users":[' .. users .. ']}' end
    end
    return table.concat(shown, ',')
  end

  -- A text as clients see it now.
  function texts.as_now(json, x, reply)
    local added = ''
    if x and x.edited ~= '-' then added = ',"edited_at":"' .. x.edited .. '"' end
    if reply and reply ~= '-' then added = added .. ',"reply_to":' .. quotation(reply) end
    if x and x.kinds ~= '' then added = added .. ',"reactions":{' .. reactions(x.kinds) .. '}' end
    if x then added = added .. ',"changed":' .. x.changed end
    if added == '' then return json end
    return string.sub(json, 1, -2) .. added .. '}'
  end

  -- The texts in a range of numbers that were changed, the nearest to its beginning: the numbers of those that are not
  -- in the stream, and the extras of all by number.
  function texts.altered(from, to, is_backward, most)
    local command = is_backward and 'ZREVRANGEBYSCORE' or 'ZRANGEBYSCORE'
    local numbers = redis.call(command, ALTERED, from, to, 'LIMIT', 0, most)
    local moved, extras = {}, {}
    if #numbers == 0 then return moved, extras end
    local fields = {}
    for i, seq in ipairs(numbers) do fields[i] = 'x' .. seq end
    for i, found in ipairs(redis.call('HMGET', STATE, unpack(fields))) do
      local x, seq = parsed(found), numbers[i]
      if x then
        extras[seq] = x
        if x.where ~= 's' then moved[#moved + 1] = seq end
      end
    end
    return moved, extras
  end

  -- A text that is not in the stream, as clients see it now.
  function texts.moved(found)
    local json, x = redis.call('HGET', STATE, 'm' .. found[1]), found[2]
    return json and texts.as_now(json, x, x.reply) or ''
  end

  -- The lowest number of a text that is not in the stream, below `bottom`, and not too old.
  function texts.oldest_moved(bottom)
    local count = redis.call('ZCOUNT', ALTERED, '-inf', '(' .. digits(bottom))
    local function at(rank)
      local seq = redis.call('ZRANGE', ALTERED, rank, rank)[1]
      return seq, parsed(redis.call('HGET', STATE, 'x' .. (seq or '')))
    end
    -- They are ordered by time as by number.
    local low, high = -1, count
    while high - low > 1 do
      local middle = low == -1 and 0 or math.floor((low + high) / 2)
      local _, x = at(middle)
      if x and x.at >= since then high = middle else low = middle end
    end
    return high < count and whole(at(high)) or nil
  end

  -- The number of the last change that was dropped: the one before the first that is there. All of them, if none is there.
  function texts.dropped(changed)
    local first = redis.call('XRANGE', CHANGES, '-', '+', 'COUNT', 1)[1]
    return first and whole(field(first, 'p')) or changed
  end

  -- An edit has the content that its text has now.
  function texts.change(entry)
    local json = field(entry, 'v') == '1' and field(entry, 'm') or ''
    local edited = field(entry, 'e')
    if not edited then return json end
    local text = texts.find(edited)
    local _, content, ended = nil, nil, nil
    if text then _, content, ended = texts.places(text) end
    if not content then return json end
    return texts.with_content(json, string.sub(text, content, ended))
  end

  -- The JSON of an edit with a content (a JSON string) in the place of its empty one.
  function texts.with_content(json, content)
    local from, to = string.find(json, ',"content":""', 1, true)
    return string.sub(json, 1, to - 2) .. content .. string.sub(json, to + 1)
  end

  return texts
end
