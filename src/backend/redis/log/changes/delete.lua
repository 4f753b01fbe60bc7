-- Leaves of a text only who wrote it, and when.
-- KEYS, ARGV[1] to [14] and replies as in `change.lua`  [15] messages.editable, ms  [16] '1' if the user may delete any
local text, x, is_own = target()
if not text then return {3} end
if ARGV[16] ~= '1' and (not is_own or now - x.at > tonumber(ARGV[15])) then return {4} end
local json, refusal = append()
if refusal then return refusal end
local _, content, ended, time = texts.places(text)
move(x, string.sub(text, 1, content) .. '","type":"text","deleted":true' .. string.sub(text, time))
texts.drop_reactions(x)
x.where, x.edited, x.reply = 'd', '-', '-'
return finish(x, json, string.sub(text, ended + #'","type":"text"', time - 1))
