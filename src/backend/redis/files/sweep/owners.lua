-- The owners of the quotas that uploads have taken bytes of. Once an upload is finished its record has none.
-- KEYS[1…] files
-- Returns one text each.
local owners = {}
for i = 1, #KEYS do owners[i] = call('HGET', KEYS[i], 'owners') or '' end
return owners
