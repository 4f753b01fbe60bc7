// A moderator has taken us out of a room: it is said, and for the room on screen the way back is offered.

import { activeRoom } from '../../state/chat.js';
import { isPrivate } from '../../state/rooms/my_rooms.js';
import { isRemoved } from '../../state/rooms/room.js';
import { byId, setText } from '../lib/markup.js';

/** Why somebody is not in a room; `code` is that of the server. */
export function refusalText(i18n, code) {
  return i18n.text([`removed_${code}`, `room_refused_${code}`].find(i18n.has) ?? 'room_refused');
}

export function removal({ i18n, chat, store, tell }) {
  const box = byId('removal');
  byId('removal-enter').addEventListener('click', () => {
    chat.enterAgain(store.state.active);
    // The button goes away.
    byId('timeline').focus({ preventScroll: true });
  });
  store.subscribe((state, previous, { type, frame }) => {
    const isOther = type === 'frame' && frame.type === 'left' && frame.room_id !== state.active;
    const room = isOther ? state.rooms.get(frame.room_id) : undefined;
    if (room && isRemoved(room)) tell(i18n.text('removed_from', { room: room.id }));
  });

  return {
    update(state) {
      const room = activeRoom(state);
      box.hidden = !room || !isRemoved(room);
      // Into a private room only a member lets one in.
      byId('removal-enter').hidden = !room || isPrivate(room.id);
      setText(byId('removal-text'), box.hidden ? '' : refusalText(i18n, room.refusal));
    },
  };
}
