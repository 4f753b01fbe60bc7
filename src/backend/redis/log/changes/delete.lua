-- Leaves of a text only who wrote it, and when.
-- KEYS, ARGV[1] to [14] and replies as in `change.lua`  [15] messages.editable, ms  [16] '1' if the user may delete any
local text, x = target()
local author, content, ended = places(text or '')
-- Its last 64 bytes have its time and number.
local time = string.find(text or '', ',"timestamp":"[^"]*","seq":%d+}$', -64)
if not author or not time then return {3} end
author = author + #',"user_id":'
local is_own = string.find(text, USER, author, true) == author
if ARGV[16] ~= '1' and (not is_own or now - x.at > tonumber(ARGV[15])) then return {4} end
local json, refusal = append()
if refusal then return refusal end
if x.kinds ~= '' then upkeep().drop_reactions(TARGET, x) end
x.is_leaving = x.where == 's'
x.where, x.edited, x.reply = 'd', '-', '-'
local rest = string.sub(text, ended + #'","type":"text"', time - 1)
return finish(x, json, rest, 'm' .. TARGET,
  string.sub(text, 1, content) .. '","type":"text","deleted":true' .. string.sub(text, time))
