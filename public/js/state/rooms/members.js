// The members of a room: sessions as the server lists them, shown as users with their session count.

/** After a join notice. Notices speak of users, so the session's own id is not known yet. */
export function withUser(members, { user_id, username }) {
  const isKnown = members.some((member) => member.user_id === user_id);
  return isKnown ? members : [...members, { id: null, user_id, username }];
}

/** After a leave notice: the user's last session has gone. */
export function withoutUser(members, { user_id }) {
  return members.filter((member) => member.user_id !== user_id);
}

/** With ourselves: the first page of a large room may lack us. */
export function withMe(members, me) {
  return me === null || members.some(({ user_id }) => user_id === me.userId) ? members : [...members, { id: null, user_id: me.userId, username: me.username }];
}

/** `[{user_id, username, sessions}]`, ourselves first, then by name as the reader's language sorts. */
export function usersOf(members, me, compare) {
  const users = new Map();
  for (const { user_id, username } of members) {
    const sessions = (users.get(user_id)?.sessions ?? 0) + 1;
    users.set(user_id, { user_id, username, sessions });
  }
  const isMe = (user) => user.user_id === me?.userId;
  return [...users.values()].sort(
    (one, other) => isMe(other) - isMe(one) || compare(one.username, other.username),
  );
}

/** The members of a private room who are not there now, by name. */
export function awayOf(people, present, compare) {
  const here = new Set(present.map(({ user_id: id }) => id));
  return people.filter(({ user_id: id }) => !here.has(id)).map(({ user_id, username }) => ({ user_id, username, sessions: 0, isAway: true }))
    .sort((one, other) => compare(one.username, other.username));
}
