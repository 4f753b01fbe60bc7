-- Prepended to scripts that show texts, behind `texts.lua`: texts and changes as clients see them now.

local function pages()
  local texts = {}

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
      local json = find(seq)
      local author, content, ended = nil, nil, nil
      if json then author, content, ended = places(json) end
      quotes[seq] = author and '{"seq":' .. seq .. string.sub(json, author, content)
        .. beginning(string.sub(json, content + 1, ended - 1)) .. '"}' or '{"seq":' .. seq .. ',"deleted":true}'
    end
    return quotes[seq]
  end

  local function reactions(seq, kinds)
    local shown = {}
    for emoji in string.gmatch(kinds, '%S+') do
      local found = redis.call('HGET', STATE, 'l' .. seq .. ' ' .. emoji)
      local count, users = string.match(found or '', '^%S+ %d+ (%d+) (.*)$')
      if count then shown[#shown + 1] = '"' .. emoji .. '":{"count":' .. count .. ',"users":[' .. users .. ']}' end
    end
    return table.concat(shown, ',')
  end

  -- A text as clients see it now: its number, its JSON, its extras if it has any, and the number that it replies to.
  function texts.as_now(seq, json, x, reply)
    local added = ''
    if x and x.edited ~= '-' then added = ',"edited_at":"' .. x.edited .. '"' end
    if reply and reply ~= '-' then added = added .. ',"reply_to":' .. quotation(reply) end
    if x and x.kinds ~= '' then added = added .. ',"reactions":{' .. reactions(seq, x.kinds) .. '}' end
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
    return json and texts.as_now(found[1], json, x, x.reply) or ''
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
      if x and tonumber(x.at) >= since then high = middle else low = middle end
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
    local version, json, ending, edited = field(entry, 'v'), field(entry, 'm'), field(entry, 'a'), field(entry, 'e')
    if version == '1' and json then
      -- A version before wrote the JSON whole.
      if not edited then return json end
      local _, empty = string.find(json, ',"content":""', 1, true)
      if not empty then return '' end
      json, ending = string.sub(json, 1, empty - 2), string.sub(json, empty + 1)
    elseif version ~= '2' or not json or not ending then
      return ''
    end
    if not edited then return json .. ending end
    local text = find(edited)
    local _, content, ended = nil, nil, nil
    if text then _, content, ended = places(text) end
    return json .. (content and string.sub(text, content, ended) or '""') .. ending
  end

  return texts
end
