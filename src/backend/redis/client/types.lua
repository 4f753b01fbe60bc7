-- Prepended to every script that changes keys which other programs may have written.

-- Calls a command on a key. A key of another type, as of an older adda, is deleted.
local function call(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err, 0) end
  redis.call('DEL', key)
  return redis.call(command, key, ...)
end

-- Ranges by bytes require that all scores are 0. Scores of other programs are reset.
local function reset_scores(key)
  for _, at in ipairs({0, -1}) do
    while true do
      local entry = call('ZRANGE', key, at, at, 'WITHSCORES')
      if not entry[1] or tonumber(entry[2]) == 0 then break end
      redis.call('ZADD', key, 0, entry[1])
    end
  end
end
