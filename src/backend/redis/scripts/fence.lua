-- Put in front of every script that reads or writes a room's numbering, behind `history.lua`: no
-- number is ever given by a script that believes in another history than the one at hand.

local UNUSED_MILLIS = 3600000

-- Redis gets a new replication id without any loss when a first replica attaches, as it does within
-- seconds of a master's return.
local SOON_MILLIS = 10000

-- Opens the numbering of a room: returns epoch, seq, the seq above which all is new to a reader whose
-- epoch it does not know, where earlier epochs ended ("epoch:seq epoch:seq …", newest first), and when
-- the expiry was last put off, in ms.
-- What this Redis still has is a beginning of what was; so a head that was written in another history
-- ends its epoch where it stands.
local function open_head(head, log, ttl)
  local h = redis.call('HMGET', head, 'epoch', 'seq', 'run', 'start', 'past', 'kept')
  if h[1] and h[3] == RUN then
    return h[1], tonumber(h[2]), tonumber(h[4]), h[5], tonumber(h[6] or 0)
  end
  local time = redis.call('TIME')
  local epoch = string.sub(redis.sha1hex(RUN .. time[1] .. '.' .. time[2] .. head), 1, 16)
  local seq, past = 0, ''
  if h[1] then
    seq = tonumber(h[2])
    past = h[1] .. ':' .. h[2]
    local kept = 1
    for ended in string.gmatch(h[5], '%S+') do
      kept = kept + 1
      if kept <= 8 then past = past .. ' ' .. ended end
    end
  end
  -- A log without its head (evicted, say): go on above it, or its ids would be given again.
  local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  if last then
    seq = math.max(seq, tonumber(string.match(last[1], '^%d+')))
  else
    -- An emptied stream remembers its last id, and would refuse lower ones.
    redis.call('DEL', log)
  end
  -- An epoch that ends so soon may have numbered what nobody else has looked at yet.
  local now, start = time[1] * 1000 + math.floor(time[2] / 1000), seq
  local began = tonumber(redis.call('HGET', head, 'began') or 0)
  if h[1] and now - began < SOON_MILLIS then start = math.min(seq, tonumber(h[4])) end
  redis.call('HSET', head, 'epoch', epoch, 'seq', string.format('%.0f', seq), 'run', RUN,
    'start', string.format('%.0f', start), 'past', past, 'began', string.format('%.0f', now))
  -- Anybody may ask for any room: one that was never spoken in is soon forgotten.
  redis.call('PEXPIRE', head, seq == 0 and UNUSED_MILLIS or ttl)
  return epoch, seq, start, past, 0
end

-- Drops messages older than `ttl` ms from the front of the log.
local function drop_old(log, ttl)
  local time = redis.call('TIME')
  local oldest_kept = time[1] * 1000 + math.floor(time[2] / 1000) - ttl
  local look = 1
  while true do
    local entries = redis.call('XRANGE', log, '-', '+', 'COUNT', look)
    look = 64
    local first_kept = nil
    for _, entry in ipairs(entries) do
      if tonumber(entry[2][2]) >= oldest_kept then first_kept = entry[1] break end
    end
    if #entries == 0 then return end
    if first_kept then
      if first_kept ~= entries[1][1] then redis.call('XTRIM', log, 'MINID', first_kept) end
      return
    end
    redis.call('XTRIM', log, 'MINID', string.match(entries[#entries][1], '^%d+') + 1)
  end
end
