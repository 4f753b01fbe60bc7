// The actions on the room on screen: bring friends, look at it, be told less, leave it.

import { activeRoom } from '../../state/chat.js';
import { levelOf, withLevel } from '../../state/settings/settings.js';
import { byId, setText } from '../lib/markup.js';
import { menu } from '../lib/menu.js';

export function roomMenu({ i18n, store, settings, tell, invite, openRoom, leaveRoom }) {
  const button = byId('room-menu-button');
  const box = menu(byId('room-menu'));

  button.addEventListener('click', () => (box.isOpen() ? box.close() : box.open(button)));
  byId('room-invite').addEventListener('click', () => invite.open());
  byId('room-notices').addEventListener('click', () => {
    const room = store.state.active;
    const next = isMuted(room) ? null : 'none';
    settings.change(withLevel(settings.current, room, next));
    tell(i18n.text(next === 'none' ? 'told_muted' : 'told_unmuted', { room }));
  });
  byId('leave-room').addEventListener('click', () => {
    const room = store.state.active;
    leaveRoom(room);
    tell(i18n.text('left_room', { room }), { label: i18n.text('rejoin'), run: () => openRoom(room) });
  });

  const isMuted = (room) => levelOf(settings.current, room) === 'none';

  return {
    update(state) {
      if (!activeRoom(state)) return;
      // Leaving the last room is signing out, which has a button of its own.
      byId('leave-room').hidden = state.rooms.size < 2;
      setText(byId('room-notices'), i18n.text(isMuted(state.active) ? 'unmute_room' : 'mute_room'));
    },
  };
}
