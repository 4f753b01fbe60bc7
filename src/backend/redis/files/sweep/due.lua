-- Ids of a list whose time was some ms ago, those of the earliest times first.
-- KEYS[1] list  ARGV[1] ms  [2] most ids
return call('ZRANGEBYSCORE', KEYS[1], '-inf', digits(now_millis() - ARGV[1]), 'LIMIT', 0, ARGV[2])
