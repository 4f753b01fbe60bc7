// Neighbouring join and leave notices make one line, and who comes back leaves none: a reconnect
// is not news.

/** `entries` with a notice {id, type, user_id, username} told in its last presence entry. */
export function withPresence(entries, { id, type, user_id, username }) {
  const last = entries.at(-1);
  const isOpen = last?.kind === 'presence';
  const opened = { kind: 'presence', key: `presence:${id}`, joined: [], left: [] };
  const told = condensed(isOpen ? last : opened, type, { user_id, username });
  const before = isOpen ? entries.slice(0, -1) : entries;
  return told.joined.length + told.left.length > 0 ? [...before, told] : before;
}

function condensed(entry, type, user) {
  const [here, there] = type === 'join' ? ['joined', 'left'] : ['left', 'joined'];
  const isUndone = entry[there].some((other) => other.user_id === user.user_id);
  if (isUndone) return { ...entry, [there]: without(entry[there], user) };
  return { ...entry, [here]: [...without(entry[here], user), user] };
}

function without(users, user) {
  return users.filter((other) => other.user_id !== user.user_id);
}
