// Tells the server up to where a room was read, so that the account's other devices know it. A server that keeps no cursors names none
// when one joins, and is told nothing.

import { isRead } from '../../state/rooms/changes.js';

// A busy room is read many times a second; the last time counts.
const TELL_AFTER_MS = 1_000;

/** `tell(room, seq)` sends a frame. */
export function createReading({ store, timers, tell }) {
  // The seq to tell by room, until its timer runs out.
  const due = new Map();

  store.subscribe((state) => {
    const room = state.rooms.get(state.active);
    if (!room || room.cursor === null || !room.isJoined || !isRead(state, room)) return;
    const { latest } = room.timeline;
    if (latest <= room.cursor) return;
    if (!due.has(room.id)) timers.setTimeout(() => send(room.id), TELL_AFTER_MS);
    due.set(room.id, latest);
  });

  function send(id) {
    const seq = due.get(id);
    due.delete(id);
    const room = store.state.rooms.get(id);
    // After a new epoch the numbers are others.
    if (!room?.isJoined || seq > room.timeline.latest || seq <= room.cursor) return;
    tell(id, seq);
    store.dispatch({ type: 'room_cursor_told', room: id, seq });
  }
}
