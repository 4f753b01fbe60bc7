-- Compares what a node holds of a room with what stands in the room's members.
-- KEYS[1] members  ARGV[1] node id  [2] the number of its sessions  [3] the sum of their digests
-- Returns 1 if both are the same. The digest of an entry is the first 48 bits of its SHA-1; sums are
-- modulo 2^48, so their order does not matter.
local prefix = ARGV[1] .. ' '
local count, sum = 0, 0
for _, entry in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if string.sub(entry, 1, #prefix) == prefix then
    count = count + 1
    sum = (sum + tonumber(string.sub(redis.sha1hex(entry), 1, 12), 16)) % 281474976710656
  end
end
return count == tonumber(ARGV[2]) and string.format('%.0f', sum) == ARGV[3] and 1 or 0
