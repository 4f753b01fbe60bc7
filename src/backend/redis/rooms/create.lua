-- Creates a private room, unless it exists.
-- KEYS[1] record  ARGV[1] owner, '' for none  [2] title, '' for none  [3…] user and name of each member
-- Returns the record: {field, value, …}.
if call('HEXISTS', KEYS[1], 'created') == 0 then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'created', text_of(redis_millis()))
  if ARGV[1] ~= '' then redis.call('HSET', KEYS[1], 'owner', ARGV[1]) end
  if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'title', ARGV[2]) end
  for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], 'm:' .. ARGV[i], ARGV[i + 1]) end
end
return redis.call('HGETALL', KEYS[1])
