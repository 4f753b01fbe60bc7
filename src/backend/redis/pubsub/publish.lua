-- Prepended to every script that publishes. `codec.rs` sets BUS_VERSION.
-- The text may come in up to five parts: to join them once is cheaper where they are long.
local function publish(channel, text, second, third, fourth, fifth)
  redis.call(PUBLISH, channel,
    BUS_VERSION .. ' ' .. text .. (second or '') .. (third or '') .. (fourth or '') .. (fifth or ''))
end

local function may_publish(channel)
  return not redis.acl_check_cmd or redis.acl_check_cmd(PUBLISH, channel, '')
end

