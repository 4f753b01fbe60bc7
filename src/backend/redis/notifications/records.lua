-- Functions for the hashes of notifications. Prepended to their scripts, behind `clock.lua`. Fields of a user's hash:
--   n:ID  "<sent, ms> <end, ms>\n<JSON>"  a notification to the user alone
--   s:ID  "<end>"                         one that the user has seen, or that was taken back
--   a:ID  "<end> <number>"                one to all users that the user has seen
-- Fields of the hash of those to all users:
--   n:ID  "<number> <sent> <end>\n<JSON>"
--   g:ID  "<end>"                         one that was taken back
--   last                                  the number of the newest

-- Drops the lowest entries {rank, field, bytes}, but the last, until they are few and small enough.
local function drop_lowest(key, entries, most, most_bytes)
  table.sort(entries, function(one, other)
    if one[1] == other[1] then return one[2] < other[2] end
    return one[1] < other[1]
  end)
  local bytes = 0
  for _, entry in ipairs(entries) do bytes = bytes + entry[3] end
  for i = 1, #entries - 1 do
    if #entries - i < most and bytes <= most_bytes then break end
    redis.call('HDEL', key, entries[i][2])
    bytes = bytes - entries[i][3]
  end
end

-- Removes what has ended, foreign fields, and the oldest beyond the bounds. `order` gives kind, rank and end of a field and its
-- value. Sets the expiry of the key.
local function tidy(key, order, most, most_bytes)
  local now, last, kinds = redis_millis(), 0, {}
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    local field, value = fields[i], fields[i + 1]
    local kind, rank, ends = order(field, value)
    if kind ~= 'last' then
      if not kind or not rank or not ends or ends <= now then
        redis.call('HDEL', key, field)
      else
        last = math.max(last, ends)
        kinds[kind] = kinds[kind] or {}
        table.insert(kinds[kind], {rank, field, #value})
      end
    end
  end
  for kind, entries in pairs(kinds) do
    drop_lowest(key, entries, kind == 'a' and 2 * most or most, kind == 'n' and most_bytes or 1e9)
  end
  if last > 0 then redis.call('PEXPIREAT', key, text_of(last)) end
end

-- Of a field in the hash of a user. Marks of notifications to all up to number `outdated` are of those that are dropped.
local function user_order(outdated)
  return function(field, value)
    local kind = string.match(field, '^([nsa]):')
    if kind == 'n' then
      local sent, ends = string.match(value, '^(%d+) (%d+)\n')
      return kind, millis_of(sent), millis_of(ends)
    end
    local ends, number = string.match(value, '^(%d+) ?(%d*)$')
    if kind == 'a' and (tonumber(number) or 0) <= outdated then return nil end
    return kind, millis_of(ends), millis_of(ends)
  end
end

-- Of a field in the hash of those to all.
local function broadcast_order(field, value)
  if field == 'last' then return 'last' end
  local kind = string.match(field, '^([ng]):')
  if kind == 'n' then
    local number, _, ends = string.match(value, '^(%d+) (%d+) (%d+)\n')
    return kind, tonumber(number), millis_of(ends)
  end
  return kind, millis_of(value), millis_of(value)
end
