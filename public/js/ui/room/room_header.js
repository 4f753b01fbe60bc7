// The room's name and count, on the page and in the window's title.

import { activeRoom, totalUnread } from '../../state/chat.js';
import { isAway } from '../../state/connection.js';
import { isLocked } from '../../state/rooms/moderation.js';
import { peopleIn } from '../../state/rooms/room.js';
import { isSilent } from '../../state/settings/settings.js';
import { byId, setAttribute, setText } from '../lib/markup.js';

export function roomHeader({ i18n, settings, now }) {
  return {
    update(state) {
      const room = activeRoom(state);
      if (!room) return;
      setText(byId('room-title'), i18n.roomName(room.id));
      setAttribute(byId('room-title'), 'title', i18n.roomName(room.id));
      // It stands while we move to another node: what comes and goes in a moment only flickers.
      const wasJoined = room.timeline.epoch !== null && room.refusal === null;
      const isKnown = wasJoined && !isAway(state.connection, now());
      setText(byId('room-topic'), state.myRooms.get(room.id)?.topic ?? '');
      byId('room-locked').hidden = !isLocked(state, room.id);
      setText(byId('room-count'), isKnown ? i18n.text(room.isWhole ? 'room_online' : 'sessions_online', { count: peopleIn(room) }) : '');
    },
    /** Also while the page is hidden, where nothing else is drawn. */
    updateTitle(state) {
      const unread = totalUnread(state, (room) => isSilent(settings.current, room));
      const key = unread > 0 ? 'page_title_unread' : 'page_title';
      const title = state.active === null ? i18n.text('app_name') : i18n.text(key, { room: state.active, count: unread });
      if (document.title !== title) document.title = title;
    },
  };
}
