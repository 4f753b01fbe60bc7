// A room that one tab has shown is read in all tabs of that name.

import { isRead } from '../../state/rooms/changes.js';

/** `nameOf()` is the name that this tab goes by, or null. */
export function createSharedReading({ store, tabs, nameOf }) {
  const sent = new Map();

  store.subscribe((state, previous) => {
    const room = state.rooms.get(state.active);
    if (!room || state === previous || !isRead(state, room)) return;
    const { epoch, head } = room.timeline;
    const position = `${epoch} ${head}`;
    if (epoch === null || sent.get(room.id) === position) return;
    sent.set(room.id, position);
    tabs.send({ type: 'read', username: nameOf(), room: room.id, epoch, seq: head });
  });

  tabs.onMessage((message) => {
    if (message?.type !== 'read' || message.username !== nameOf() || !Number.isInteger(message.seq)) return;
    store.dispatch({ type: 'room_read_elsewhere', room: message.room, position: { epoch: message.epoch, seq: message.seq } });
  });
}
