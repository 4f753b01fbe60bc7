// What one tab has shown is read in all tabs of that name.

import { isRead } from '../state/changes.js';

/** `nameOf()` is the name that this tab goes by, or null. */
export function createSharedReading({ store, tabs, nameOf }) {
  const told = new Map();

  store.subscribe((state, previous) => {
    const room = state.rooms.get(state.active);
    if (!room || state === previous || !isRead(state, room)) return;
    const { epoch, head } = room.timeline;
    const position = `${epoch} ${head}`;
    if (epoch === null || told.get(room.id) === position) return;
    told.set(room.id, position);
    tabs.tell({ type: 'read', username: nameOf(), room: room.id, epoch, seq: head });
  });

  tabs.listen((words) => {
    if (words?.type !== 'read' || words.username !== nameOf() || !Number.isInteger(words.seq)) return;
    store.dispatch({ type: 'room_read_elsewhere', room: words.room, position: { epoch: words.epoch, seq: words.seq } });
  });
}
