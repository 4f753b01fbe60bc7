-- Appends to the record of what moderators did.
-- KEYS[1] audit  ARGV[1] moderation.audit_entries  [2] the entry, JSON
call('XADD', KEYS[1], 'MAXLEN', '=', ARGV[1], '*', 'v', '1', 'e', ARGV[2])
return 1
