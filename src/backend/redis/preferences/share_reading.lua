-- Stores whether a user shares what it has read. On is what everybody has, and is not stored.
-- KEYS[1] preferences  ARGV[1] `on` or `off`  [2] lifetime, ms; '' for good
if ARGV[1] == 'on' then
  call('HDEL', KEYS[1], 'share_reading')
  return 1
end
call('HSET', KEYS[1], 'share_reading', 'off')
if ARGV[2] == '' then
  redis.call('PERSIST', KEYS[1])
else
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1
