-- Prepended to scripts that move cursors, behind `cursors.lua`.

-- Moves a user's cursor to a number, unless it is there already. Returns its number afterwards; nil without one.
-- kind: 'g' for a guest, else 'u'  ttl: lifetime of cursors, ms  most: cursors of a room, at most
local function move_cursor(h, user, kind, to, ttl, most)
  local stored = stored_cursor(user)
  local place = place_of(h, stored)
  if to <= (place or 0) then return place end

  -- One of a few makes room: of a guest, if there is one, and that which is furthest behind.
  local function evict()
    local drawn, victim, rank = redis.call('HRANDFIELD', CURSORS, 16, 'WITHVALUES'), nil, nil
    for i = 1, #drawn, 2 do
      local is_lasting = string.find(drawn[i + 1], ' u$') ~= nil
      local behind = (is_lasting and MAX_SEQ or 0) + (place_of(h, drawn[i + 1]) or 0)
      if not rank or behind < rank then victim, rank = drawn[i], behind end
    end
    redis.call('HDEL', CURSORS, victim)
  end

  if not stored and call('HLEN', CURSORS) >= most then evict() end
  redis.call('HSET', CURSORS, user, h.epoch .. ' ' .. digits(to) .. ' ' .. kind)
  redis.call('PEXPIRE', CURSORS, ttl)
  return to
end
