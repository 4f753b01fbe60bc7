-- Leave notices that have fallen due.
-- KEYS[1] due  [2] clock  ARGV[1] how many to pass over  [2] most to return
-- Returns entries of the index, the oldest first.
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', text_of(cluster_time(KEYS[2])), 'LIMIT', ARGV[1], ARGV[2])
