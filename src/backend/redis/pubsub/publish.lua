-- Prepended to every script that publishes. `codec.rs` sets BUS_VERSION.
local function publish(channel, text)
  redis.call(PUBLISH, channel, BUS_VERSION .. ' ' .. text)
end

local function may_publish(channel)
  return not redis.acl_check_cmd or redis.acl_check_cmd(PUBLISH, channel, '')
end

