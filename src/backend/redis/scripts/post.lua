-- Numbers, logs and publishes one message, once per nonce.
-- KEYS[1] head  KEYS[2] log  KEYS[3] nonce, if one was given
-- ARGV[1] channel  [2] the message's JSON, still open  [3] history.max_messages
-- ARGV[4] ttl of the log, ms  [5] ttl of the head, ms  [6] ttl of the nonce, ms
-- ARGV[7] "<message id> <timestamp>", what a duplicate must be told besides epoch and seq
-- ARGV[8] '1' if replicas will be waited for
-- Returns {0, epoch, seq}, or {1, "epoch seq id timestamp"} of the first message with this nonce.
if KEYS[3] then
  local first = redis.call('GET', KEYS[3])
  if first then
    -- WAIT waits for what its own connection wrote: so a duplicate writes something, too.
    if ARGV[8] == '1' then redis.call('PEXPIRE', KEYS[3], ARGV[6]) end
    return {1, first}
  end
end
local epoch, _, _, _, kept = open_head(KEYS[1], KEYS[2], ARGV[5])
local seq = string.format('%.0f', redis.call('HINCRBY', KEYS[1], 'seq', 1))
local json = ARGV[2] .. ',"seq":' .. seq .. '}'
local time = redis.call('TIME')
local now, ttl = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(ARGV[4])
local millis = string.format('%.0f', now)
redis.call('XADD', KEYS[2], 'MAXLEN', '=', ARGV[3], seq .. '-0', 't', millis, 'm', json)
-- The expiry is put off for a while longer than need be, and so not with each message. Reading
-- leaves out what is too old.
local spare = math.floor(ttl / 16)
if now - kept >= spare then
  redis.call('PEXPIRE', KEYS[2], ttl + spare)
  redis.call('PEXPIRE', KEYS[1], ARGV[5] + spare)
  redis.call('HSET', KEYS[1], 'kept', millis)
  drop_old(KEYS[2], ttl)
end
if KEYS[3] then
  redis.call('SET', KEYS[3], epoch .. ' ' .. seq .. ' ' .. ARGV[7], 'PX', ARGV[6])
end
redis.call(PUBLISH, ARGV[1], 'm ' .. epoch .. ' ' .. seq .. '\n' .. json)
return {0, epoch, seq}
