-- Gives a text another content.
-- KEYS, ARGV[1] to [14] and replies as in `change.lua`  [15] messages.editable, ms  [16] the content as JSON
local text, x, is_own = target()
if not text then return {3} end
if not is_own or now - x.at > tonumber(ARGV[15]) then return {4} end
local json, refusal = append(ARGV[16])
if refusal then return refusal end
local _, content, ended = texts.places(text)
move(x, string.sub(text, 1, content - 1) .. ARGV[16] .. string.sub(text, ended + 1))
x.where, x.edited = 'e', timestamp
return finish(x, json)
