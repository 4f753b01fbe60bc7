-- Records the message that has files.
-- KEYS[1] unposted  [2] rooms  [3] files of the room  [4…] files  ARGV[1] room  [3…] ids
-- ARGV[2] number of the message; `n.5` if that is n or a lower one
for i = 4, #KEYS do
  local id = ARGV[i - 1]
  if call('HEXISTS', KEYS[i], 'file') == 1 then
    call('HSET', KEYS[i], 'seq', ARGV[2])
    call('ZADD', KEYS[3], ARGV[2], id)
    call('ZADD', KEYS[2], 'NX', digits(now_millis()), ARGV[1])
  end
  call('ZREM', KEYS[1], id)
end
