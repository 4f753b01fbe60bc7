-- Removes the records of files that no message has claimed, if they are still on the list for so long.
-- KEYS[1] unposted  [2] removed  [3…] files  ARGV[1] ms on the list  [2…] ids
-- Returns {number of removed records, {room, id, …}}; the latter of files that a message has claimed.
local now = now_millis()
local removed, claimed = 0, {}
for i = 3, #KEYS do
  local id = ARGV[i - 1]
  local since = tonumber(call('ZSCORE', KEYS[1], id) or '')
  if since and since <= now - ARGV[1] then
    local room, claim = unpack(call('HMGET', KEYS[i], 'room', 'claim'))
    if room and claim then
      claimed[#claimed + 1], claimed[#claimed + 2] = room, id
      -- Behind the others, should its room not answer.
      call('ZADD', KEYS[1], digits(now), id)
    else
      redis.call('DEL', KEYS[i])
      call('ZREM', KEYS[1], id)
      call('ZADD', KEYS[2], digits(now), id)
      removed = removed + 1
    end
  end
end
return {removed, claimed}
