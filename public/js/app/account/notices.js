// Tells the server which notifications this person has seen: until then it sends them again.

/** `tell(id)` sends a frame. */
export function createNotices({ store, tell }) {
  const told = new Set();

  store.subscribe((state, previous, { type, frame }) => {
    // It did not get the word, or another node has not got it yet.
    if (type === 'frame' && frame.type === 'notification') told.delete(frame.id);
    if (type === 'frame' && frame.type === 'seen') told.add(frame.id);
    if (state.connection.phase !== 'online') return;
    for (const { id, isSeen } of state.notices) {
      if (!isSeen || told.has(id)) continue;
      told.add(id);
      tell(id);
    }
  });
}
