-- Deletes a private room with its messages, and publishes that it is gone.
-- KEYS[1] record  [2…] the other keys of the room  ARGV[1] channel
-- Returns `changed`, or `no_room`.
if not may_publish(ARGV[1]) then return redis.error_reply('NOPERM no right to publish') end
if call('HEXISTS', KEYS[1], 'created') == 0 then return 'no_room' end
for _, key in ipairs(KEYS) do redis.call('UNLINK', key) end
publish(ARGV[1], 'd')
return 'changed'
