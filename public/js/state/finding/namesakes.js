// People of one name are told apart by a sign of their ids, which is the same for all who see it.

/** The names that more than one of the `users` has. */
export function sharedNames(users) {
  const ids = new Map();
  for (const { user_id, username } of users) ids.set(username, (ids.get(username) ?? new Set()).add(user_id));
  return new Set([...ids].filter(([, its]) => its.size > 1).map(([name]) => name));
}

export function signOf(userId) {
  return `#${userId.replace(/-/g, '').slice(-3)}`;
}
