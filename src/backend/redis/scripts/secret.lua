-- Keeps the cluster's secret, unless one is kept already.
-- KEYS[1] secret  ARGV[1] the one to keep
-- Returns the one that is kept.
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
