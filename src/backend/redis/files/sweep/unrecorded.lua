-- Which files have no record.
-- KEYS[1…] files
-- Returns their places.
local places = {}
for i = 1, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 0 then places[#places + 1] = i - 1 end
end
return places
