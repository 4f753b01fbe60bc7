-- Lists the commands that this user may not call, or that this Redis does not know by that name (`rename-command`).
-- KEYS[1] some key of ours  ARGV[1] some channel of ours  [2…] commands: NAME, or NAME|SUBCOMMAND
-- Returns {command that is denied, …}, {command that is unknown, …}.
local denied, unknown = {}, {}
-- A Redis without this function is assumed to allow all.
if not redis.acl_check_cmd then return {denied, unknown} end
for i = 2, #ARGV do
  local name, subcommand = string.match(ARGV[i], '^([^|]+)|?(.*)$')
  local words = {name}
  if subcommand ~= '' then words[2] = subcommand end
  words[#words + 1] = string.find(name, 'PUBLISH$') and ARGV[1] or string.find(name, 'SUBSCRIBE$') and ARGV[1] or KEYS[1]
  local is_known, is_allowed = pcall(redis.acl_check_cmd, unpack(words))
  if not is_known then unknown[#unknown + 1] = ARGV[i] elseif not is_allowed then denied[#denied + 1] = ARGV[i] end
end
return {denied, unknown}
