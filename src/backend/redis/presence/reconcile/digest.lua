-- Compares a node's entries of a room with its sessions.
-- KEYS[1] members  ARGV[1] node id, raw  [2] the number of its sessions  [3] the sum of their digests
-- Returns 1 if both are the same. The digest of an entry is the first 48 bits of its SHA-1; sums are
-- modulo 2^48, so their order does not matter.
local count, sum = 0, 0
for _, entry in ipairs(share_of(KEYS[1], ARGV[1])) do
  count = count + 1
  sum = (sum + tonumber(string.sub(redis.sha1hex(entry), 1, 12), 16)) % 281474976710656
end
return count == tonumber(ARGV[2]) and string.format('%.0f', sum) == ARGV[3] and 1 or 0
