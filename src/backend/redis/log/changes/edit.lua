-- Gives a text another content.
-- KEYS, ARGV[1] to [14] and replies as in `change.lua`  [15] messages.editable, ms  [16] the content as JSON
author = author + #',"user_id":'
if string.find(text, USER, author, true) ~= author or now - posted > tonumber(ARGV[15]) then return {4} end
-- It is stored with its text alone.
content_now = ARGV[16]
is_leaving = where == 's'
where, edited = 'e', timestamp
value = string.sub(text, 1, content - 1) .. content_now .. string.sub(text, ended + 1)
