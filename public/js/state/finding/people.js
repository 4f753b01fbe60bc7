// The order of the people in a room: oneself, then those who spoke lately, then all by name.

/** `users` as usersOf lists them; `entries` of the room's timeline. */
export function bySpeaking(users, entries, me) {
  const spoke = new Map(entries.filter(({ kind }) => kind === 'message').map(({ user_id }, place) => [user_id, place]));
  const rank = (user) => (user.user_id === me?.userId ? Infinity : (spoke.get(user.user_id) ?? -1));
  return [...users].sort((one, other) => (rank(one) === rank(other) ? 0 : rank(other) - rank(one)));
}

/** Those whose name has `text` in it, whatever its case. */
export function namedLike(users, text) {
  const sought = text.normalize('NFC').toLowerCase().trim();
  return users.filter(({ username }) => username.normalize('NFC').toLowerCase().includes(sought));
}
