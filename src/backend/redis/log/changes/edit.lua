-- Gives a text another content.
-- KEYS, ARGV[1] to [14] and replies as in `change.lua`  [15] messages.editable, ms  [16] the content as JSON
local CONTENT = ARGV[16]
local text, x = target()
local author, content, ended = places(text or '')
if not author then return {3} end
author = author + #',"user_id":'
if string.find(text, USER, author, true) ~= author or now - x.at > tonumber(ARGV[15]) then return {4} end
local _, empty = string.find(JSON, ',"content":""', 1, true)
local json, refusal = append(string.sub(JSON, 1, empty - 2) .. CONTENT .. string.sub(JSON, empty + 1))
if refusal then return refusal end
x.is_leaving = x.where == 's'
x.where, x.edited = 'e', timestamp
return finish(x, json, '', 'm' .. TARGET, string.sub(text, 1, content - 1) .. CONTENT .. string.sub(text, ended + 1))
