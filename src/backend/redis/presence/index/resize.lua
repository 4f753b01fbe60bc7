-- Writes the sizes of rooms.
-- KEYS[1] rooms by size  ARGV room, sessions, …
for i = 1, #ARGV, 2 do
  if ARGV[i + 1] == '0' then
    call('ZREM', KEYS[1], ARGV[i])
  else
    call('ZADD', KEYS[1], ARGV[i + 1], ARGV[i])
  end
end
return 1
