-- Reads the standing of a user.
-- KEYS[1] standing
-- Returns {generation, signed_out_at (ms), role, end of the ban (ms or '-'), its reason, what is left of it}.
return read_standing(KEYS[1])
