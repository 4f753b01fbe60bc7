-- Leaves of a text only who wrote it, and when.
-- KEYS, ARGV[1] to [14] and replies as in `change.lua`  [15] messages.editable, ms  [16] '1' if the user may delete any
-- Its last 64 bytes have its time and number.
local time = string.find(text, ',"timestamp":"', -64, true)
if not time then return {3} end
author = author + #',"user_id":'
local is_own = string.find(text, USER, author, true) == author
if ARGV[16] ~= '1' and (not is_own or now - posted > tonumber(ARGV[15])) then return {4} end
is_leaving = where == 's'
where, edited, reply = 'd', '-', '-'
rest = string.sub(text, ended + #'","type":"text"', time - 1)
value = string.sub(text, 1, content) .. '","type":"text","deleted":true' .. string.sub(text, time)
