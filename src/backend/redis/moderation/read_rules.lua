-- Reads the rules of a room.
-- KEYS[1] rules
-- Returns {now (ms), {field, value, …}}.
local fields = redis.pcall('HGETALL', KEYS[1])
if fields.err then return fields end
return {text_of(redis_millis()), fields}
