-- Takes leave notices that were said off the index of what is due, unless they have been put there
-- anew meanwhile.
-- KEYS[1] due  ARGV entry, the time under which it was found, …
for i = 1, #ARGV, 2 do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) == ARGV[i + 1] then redis.call('ZREM', KEYS[1], ARGV[i]) end
end
return 1
