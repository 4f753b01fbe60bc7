-- Prepended to every script that must know the replication id. Redis creates another id at each start and at each
-- promotion, so every event that may set its data back has changed it. It is read in the call itself, because a
-- master may be demoted and promoted again unnoticed. A replica has its master's id, and must not number.
-- (A line master_replid2 follows with the id before this one.)
-- Found as plain text: a pattern would take half as long again as INFO itself.
local info = redis.call('INFO', 'replication')
local _, ahead = string.find(info, '\nmaster_replid:', string.find(info, 'role:master', 1, true) or #info + 1, true)
local REPLID = ahead and string.match(info, '^%x+', ahead + 1)
if not REPLID then return redis.error_reply('READONLY this Redis is a replica') end

