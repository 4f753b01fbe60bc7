-- Put in front of every script that must know which history it continues. Redis makes a new
-- replication id at each start and at each promotion, so whatever has set its data back has changed
-- it. Asked for in the call itself: a master may be demoted and promoted again without anybody's
-- noticing. A replica bears its master's id, and must not number.
-- (A line master_replid2 follows with the id before this one.)
local REPLID = string.match(redis.call('INFO', 'replication'), 'role:master.-\nmaster_replid:(%x+)')
if not REPLID then return redis.error_reply('READONLY this Redis is a replica') end

