-- Gives a text another content.
-- KEYS, ARGV[1] to [14] and replies as in `change.lua`  [15] messages.editable, ms  [16] the content as JSON
local CONTENT = ARGV[16]
author = author + #',"user_id":'
if string.sub(text, author, author + #USER - 1) ~= USER or now - posted > tonumber(ARGV[15]) then return {4} end
-- The content is stored with its text alone.
local _, empty = string.find(JSON, ',"content":""', 1, true)
opening, content_now, closing = string.sub(JSON, 1, empty - 2), CONTENT, string.sub(JSON, empty + 1)
is_leaving = where == 's'
where, edited = 'e', timestamp
value = string.sub(text, 1, content - 1) .. CONTENT .. string.sub(text, ended + 1)
