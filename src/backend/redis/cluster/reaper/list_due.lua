-- Lists pending leave notices that are due.
-- KEYS[1] schedule of leaves  [2] clock  ARGV[1] number of entries to skip  [2] maximum number of entries
-- Returns entries of the schedule, the oldest first.
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', text_of(cluster_time(KEYS[2])), 'LIMIT', ARGV[1], ARGV[2])
