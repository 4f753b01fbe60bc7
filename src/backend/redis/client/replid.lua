-- Prepended to every script that must know the replication id. Redis creates another id at each start and at each
-- promotion, so every event that may set its data back has changed it. It is read in the call itself, because a
-- master may be demoted and promoted again unnoticed. A replica has its master's id, and must not number.
-- (A line master_replid2 follows with the id before this one.)
local REPLID = string.match(redis.call('INFO', 'replication'), 'role:master.-\nmaster_replid:(%x+)')
if not REPLID then return redis.error_reply('READONLY this Redis is a replica') end

