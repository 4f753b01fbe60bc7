-- Changes the standing of a user. The generation of a guest and a ban that ends are kept
-- for as long as a guest's token lives, all else for good.
-- KEYS[1] standing
-- ARGV[1] auth.token_ttl, ms  [2] `generation`, `guest_generation`, `role`, `ban` or `unban`
-- ARGV[3] the time in ms before which all tokens of an issuer are refused, if later than now; the role; or how long the ban lasts, ms, '-' for good  [4] the reason of the ban
-- Returns as `read.lua`.
local now, what = redis_millis(), ARGV[2]
if what == 'generation' or what == 'guest_generation' then
  local last = millis_of(call('HGET', KEYS[1], 'generation')) or 0
  -- A clock that is set back makes no token good again.
  local signed_out_at = math.max(now, millis_of(ARGV[3]) or 0, millis_of(call('HGET', KEYS[1], 'signed_out_at')) or 0)
  call('HSET', KEYS[1], 'generation', text_of(math.max(now, last + 1)), 'signed_out_at', text_of(signed_out_at))
  if what == 'generation' then
    redis.call('HDEL', KEYS[1], 'guest')
  else
    redis.call('HSET', KEYS[1], 'guest', '1')
  end
elseif what == 'role' then
  call('HSET', KEYS[1], 'role', ARGV[3])
elseif what == 'ban' then
  local ends = ARGV[3] == '-' and '-' or text_of(now + ARGV[3])
  call('HSET', KEYS[1], 'ban', ends, 'reason', ARGV[4])
else
  call('HDEL', KEYS[1], 'ban', 'reason')
end
local standing = read_standing(KEYS[1])
local is_kept = standing[1] and not redis.call('HGET', KEYS[1], 'guest')
if is_kept or standing[3] or standing[4] == '-' then
  redis.call('PERSIST', KEYS[1])
else
  redis.call('PEXPIRE', KEYS[1], text_of(math.max(ARGV[1], tonumber(standing[6] or 0))))
end
return standing
