-- Changes a private room.
-- KEYS[1] record
-- ARGV[1], [2] '1' if a title, a topic is given  [3] title  [4] topic
-- Returns `changed` or `no_room`.
if call('HEXISTS', KEYS[1], 'created') == 0 then return 'no_room' end

-- Sets a field, or removes it for an empty text.
local function set(field, text)
  if text == '' then redis.call('HDEL', KEYS[1], field) else redis.call('HSET', KEYS[1], field, text) end
end

if ARGV[1] == '1' then set('title', ARGV[3]) end
if ARGV[2] == '1' then set('topic', ARGV[4]) end
return 'changed'
