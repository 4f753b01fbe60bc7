-- Prepended to scripts that read or write texts as they are now. The stream of the log has a text as it was posted; what
-- has changed since is beside it:
--   state    hash  `x<seq>` → "<changed> <at, ms> <edited_at|-> <reply|-> <where> <emoji> <emoji> …", of each text that was
--                  changed. where: s (in the stream), e (edited: `m<seq>` → its JSON), d (deleted: the same)
--                  `l<seq> <emoji>` → "<lane|-> <next> <count> <JSON of the first 20 users>", the reactions of one
--                  kind to one text. The further users are in `reactions`, if there are any: a lane.
--                  `lanes` → number of lanes so far
--                  `doomed` → "<lane> <lane> …", lanes whose reactions remain to be removed
--   altered  sorted set: the numbers of these texts, each its own score
--   reactions  sorted set: "<lane> <JSON of the user's id>", its score lane * 2^22 + its place among those of the lane
-- A text that was edited or deleted is not in the stream any more. `KEYS` as in `fence.lua`.
-- Functions that few calls need are made by the calls that do: `pages()`, `upkeep()`.

-- Texts from before this time (ms) are too old. The script sets it.
local since = nil

-- The extras of a text by their field; nil if there are none. `at` is as it was stored.
local function parsed(x)
  local changed, at, edited, reply, where, kinds = string.match(x or '', '^(%d+) (%d+) (%S+) (%S+) ([sed])(.*)$')
  if not changed then return nil end
  return {changed = changed, at = at, edited = edited, reply = reply, where = where, kinds = kinds}
end

-- The JSON of a text that is in the stream, its time and the number that it replies to; nil if there is none.
local function in_stream(seq)
  local entry = redis.call('XRANGE', LOG, seq, seq, 'COUNT', 1)[1]
  local at = entry and whole(field(entry, 't'))
  if not at or at < since or field(entry, 'v') ~= '1' then return nil end
  return field(entry, 'm') or nil, digits(at), field(entry, 'r') or '-'
end

-- The JSON of a text without what was added later, its extras, its time and the number that it replies to; nil if it
-- has left the log, was deleted or never was.
local function find(seq)
  local kept = redis.call('HMGET', STATE, 'x' .. seq, 'm' .. seq)
  local x = parsed(kept[1])
  if x and tonumber(x.at) < since then x = nil end
  if x and x.where == 'd' then return nil end
  if x and x.where == 'e' then return kept[2] or nil, x, x.at, x.reply end
  local json, at, reply = in_stream(seq)
  return json, x, at, reply
end

-- The places in a text's JSON: where its author begins, and where its content begins and ends (with quotes). No string
-- in JSON has an unescaped quote, so these are what they seem.
local function places(json)
  local author = string.find(json, ',"user_id":"', 1, true)
  local _, content = string.find(json, ',"content":"', author or 1, true)
  local ended = string.find(json, '","type":"text"', content or 1, true)
  if author and content and ended then return author, content, ended end
end
