-- Gives up the claims of a message that was not posted.
-- KEYS[1] unposted  [2…] files  ARGV[1…] ids
for i = 2, #KEYS do
  if call('HEXISTS', KEYS[i], 'seq') == 0 then
    call('HDEL', KEYS[i], 'claim')
    call('ZADD', KEYS[1], 'XX', digits(now_millis()), ARGV[i - 1])
  end
end
