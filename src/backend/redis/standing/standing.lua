-- Functions to read the standing of a user. Prepended to `read.lua` and `change.lua`, behind `clock.lua`.

-- The fields of a standing, and the rest of its ban in ms: '-' for good, nothing if there is none.
local function read_standing(key)
  local fields = redis.pcall('HMGET', key, 'generation', 'signed_out_at', 'role', 'ban', 'reason')
  if fields.err then return fields end
  local ends, rest = fields[4], false
  if ends == '-' then rest = '-' end
  local at = ends and millis_of(ends)
  if at then
    local left = at - redis_millis()
    if left > 0 then rest = text_of(left) else ends = false end
  end
  return {fields[1], fields[2], fields[3], ends, fields[5], rest}
end

