-- Claims files for a message, all or none.
-- KEYS[1] unposted  [2…] files  ARGV[1] user  [2] room  [3] message  [4…] ids
-- Returns {description, '1' if the message had claimed it, …}; nothing if not all can be claimed.
local replies = {}
for i = 2, #KEYS do
  local user, room, file, claim = unpack(call('HMGET', KEYS[i], 'user', 'room', 'file', 'claim'))
  if not file or user ~= ARGV[1] or room ~= ARGV[2] or claim and claim ~= ARGV[3] then return {} end
  replies[2 * i - 3], replies[2 * i - 2] = file, claim and '1' or '0'
end
local now = digits(now_millis())
for i = 2, #KEYS do
  call('HSET', KEYS[i], 'claim', ARGV[3])
  -- Files that were posted before are not on the list.
  call('ZADD', KEYS[1], 'XX', now, ARGV[i + 2])
end
return replies
