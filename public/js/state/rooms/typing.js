// The people who are writing. A typing notice counts for a few seconds: the server sends one per 3 s and user.

const TYPING_LASTS_MS = 6_000;

export function withTyping(typing, { user_id, username }, now) {
  return [...withoutTyping(typing, user_id), { user_id, username, until: now + TYPING_LASTS_MS }];
}

/** Their message has come, or they left. */
export function withoutTyping(typing, user_id) {
  return typing.filter((user) => user.user_id !== user_id);
}

export function stillTyping(typing, now) {
  const still = typing.filter((user) => user.until > now);
  return still.length === typing.length ? typing : still;
}
