// The occupied rooms of the cluster: `{rooms: [{id, client_count}], total}`, the largest of them.

function emptyDirectory() {
  return { rooms: [], total: 0, hasMore: false };
}

export const roomDirectory = {
  initial: { roomDirectory: emptyDirectory() },
  events: {
    directory_listed: (state, { page }) => ({ ...state, roomDirectory: fromPage(page) }),
  },
  frames: {
    // A list with a prefix answers a search.
    rooms: (state, frame) => (frame.prefix === undefined ? { ...state, roomDirectory: fromFrame(frame) } : state),
    rooms_changed: (state, frame) => (Array.isArray(frame.rooms) ? { ...state, roomDirectory: withChanges(state.roomDirectory, frame) } : state),
  },
};

// A page of REST.
function fromPage({ data, next }) {
  return asDirectory(data, next == null ? data.length : Infinity);
}

// `rooms` of the server.
function fromFrame({ rooms, total }) {
  return asDirectory(rooms, total);
}

// `rooms_changed`: a count of 0 is a room that is gone, or no longer among the largest.
function withChanges(directory, { rooms, total }) {
  const counts = new Map(directory.rooms.map(({ id, client_count: count }) => [id, count]));
  for (const { id, client_count: count } of rooms) {
    if (count > 0) counts.set(id, count);
    else counts.delete(id);
  }
  return asDirectory([...counts].map(([id, count]) => ({ id, client_count: count })), total ?? directory.total);
}

function asDirectory(rooms, total) {
  return { rooms: rooms.map(({ id, client_count }) => ({ id, name: id, client_count })), total, hasMore: total > rooms.length };
}
