-- Reads a hash of notifications.
-- KEYS[1] notifications
-- Returns {now (ms), {field, value, …}}.
local fields = redis.pcall('HGETALL', KEYS[1])
if fields.err then return fields end
return {text_of(redis_millis()), fields}
