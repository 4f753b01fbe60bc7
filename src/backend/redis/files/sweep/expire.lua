-- Removes the records of files that no message has claimed, if they are still on the list for so long. Quotas get back the
-- bytes of uploads that were not finished.
-- KEYS[1] unposted  [2] removed  [3…] of each file its key, and those of the quotas of its upload
-- ARGV[1] ms on the list  [2…] of each file its id, and the number of these quotas
-- Returns {number of removed records, {room, id, …}}; the latter of files that a message has claimed.
local now = now_millis()
local removed, claimed = 0, {}
local key = 3
for i = 2, #ARGV, 2 do
  local id, last = ARGV[i], key + ARGV[i + 1]
  local since = tonumber(call('ZSCORE', KEYS[1], id) or '')
  if since and since <= now - ARGV[1] then
    local room, claim, file, bytes = unpack(call('HMGET', KEYS[key], 'room', 'claim', 'file', 'bytes'))
    if room and claim then
      claimed[#claimed + 1], claimed[#claimed + 2] = room, id
      -- Behind the others, should its room not answer.
      call('ZADD', KEYS[1], digits(now), id)
    else
      if not file then give_back(KEYS[key], tonumber(bytes or '') or 0, key + 1, last) end
      redis.call('DEL', KEYS[key])
      call('ZREM', KEYS[1], id)
      call('ZADD', KEYS[2], digits(now), id)
      removed = removed + 1
    end
  end
  key = last + 1
end
return {removed, claimed}
