// The occupied rooms of the cluster: `{rooms: [{id, client_count}], total}`, the largest of them.

export function emptyDirectory() {
  return { rooms: [], total: 0, hasMore: false };
}

/** A page of REST. */
export function fromPage({ data, next }) {
  return asDirectory(data, next == null ? data.length : Infinity);
}

/** `rooms` of the server. */
export function fromFrame({ rooms, total }) {
  return asDirectory(rooms, total);
}

/** `rooms_changed`: a count of 0 is a room that is gone, or no longer among the largest. */
export function withChanges(directory, { rooms, total }) {
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
