-- Changes a private room, and publishes the change in the same step: a message that is published afterwards comes after it.
-- KEYS[1] record
-- ARGV[1] channel  [2] `add`, `remove` or `describe`  [3] user, or title  [4] name, or topic
-- ARGV[5] members of a room, at most  [6], [7] '1' if a title, a topic is given
-- Returns `changed`, `unchanged`, `no_room` or `full`.
if not may_publish(ARGV[1]) then return redis.error_reply('NOPERM no right to publish') end
if call('HEXISTS', KEYS[1], 'created') == 0 then return 'no_room' end

-- Sets a field, or removes it for an empty text.
local function set(field, text)
  if text == '' then redis.call('HDEL', KEYS[1], field) else redis.call('HSET', KEYS[1], field, text) end
end

local what, member = ARGV[2], 'm:' .. ARGV[3]
if what == 'add' then
  if redis.call('HEXISTS', KEYS[1], member) == 1 then return 'unchanged' end
  local others = 0
  for _, field in ipairs({'created', 'owner', 'title', 'topic'}) do
    others = others + redis.call('HEXISTS', KEYS[1], field)
  end
  if redis.call('HLEN', KEYS[1]) - others >= tonumber(ARGV[5]) then return 'full' end
  redis.call('HSET', KEYS[1], member, ARGV[4])
  publish(ARGV[1], 'k')
elseif what == 'remove' then
  if redis.call('HDEL', KEYS[1], member) == 0 then return 'unchanged' end
  publish(ARGV[1], 'x ' .. ARGV[3])
else
  if ARGV[6] == '1' then set('title', ARGV[3]) end
  if ARGV[7] == '1' then set('topic', ARGV[4]) end
end
return 'changed'
