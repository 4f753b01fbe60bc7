// The actions on the room on screen: bring friends, look at it, be told less, leave it.

import { activeRoom } from '../../state/chat.js';
import { mayOrder } from '../../state/identity/rights.js';
import { levelOf, withLevel } from '../../state/settings/settings.js';
import { isConversation, isOwner, isPrivate } from '../../state/rooms/my_rooms.js';
import { isLocked } from '../../state/rooms/moderation.js';
import { byId, setText } from '../lib/markup.js';
import { menu } from '../lib/menu.js';

export function roomMenu({ i18n, store, settings, tell, invite, openRoom, leaveRoom, moderation, myRooms, confirm, tellOrder, tellProblem }) {
  const button = byId('room-menu-button');
  const box = menu(byId('room-menu'));

  button.addEventListener('click', () => {
    if (!box.isOpen()) moderation.readRules(store.state.active);
    box.toggle(button);
  });
  byId('room-invite').addEventListener('click', () => invite.open());
  byId('room-notices').addEventListener('click', () => {
    const room = store.state.active;
    const next = isMuted(room) ? null : 'none';
    settings.change(withLevel(settings.current, room, next));
    tell(i18n.text(next === 'none' ? 'told_muted' : 'told_unmuted', { room }));
  });
  byId('leave-room').addEventListener('click', () => {
    const room = store.state.active;
    if (isPrivate(room) && !isConversation(room)) return leaveForGood(room);
    leaveRoom(room);
    return tell(i18n.text('left_room', { room }), { label: i18n.text('rejoin'), run: () => openRoom(room) });
  });

  byId('room-lock').addEventListener('click', async () => {
    const room = store.state.active;
    const wasLocked = isLocked(store.state, room);
    const problem = await (wasLocked ? moderation.unlock(room) : moderation.lock(room));
    if (problem) tellProblem(problem);
    else tellOrder(wasLocked ? 'did_unlock' : 'did_lock', {});
  });

  function leaveForGood(room) {
    const what = endOf(store.state, room);
    confirm({ title: i18n.text(`private_title_${what}`, { room }), lead: i18n.text(`private_lead_${what}`), action: i18n.text(`private_do_${what}`) }, async () => {
      const { problem } = await myRooms.leave(room);
      if (problem === null) leaveRoom(room);
      return problem;
    });
  }

  // Without an owner there is no room.
  const endOf = (state, room) => (isOwner(state, room) ? 'delete' : 'leave');

  const isMuted = (room) => levelOf(settings.current, room) === 'none';

  return {
    update(state) {
      if (!activeRoom(state)) return;
      // Leaving the last room is signing out, which has a button of its own.
      byId('leave-room').hidden = state.rooms.size < 2;
      byId('room-invite').hidden = isPrivate(state.active);
      const leave = isConversation(state.active) ? 'close_conversation' : (isPrivate(state.active) ? `private_do_${endOf(state, state.active)}` : 'leave_room');
      setText(byId('leave-room'), i18n.text(leave));
      byId('room-lock').hidden = !mayOrder(state.me, 'lock');
      setText(byId('room-lock'), i18n.text(isLocked(state, state.active) ? 'unlock_room' : 'lock_room'));
      byId('room-moderation').hidden = !mayOrder(state.me, 'audit') && !isOwner(state, state.active);
      setText(byId('room-notices'), i18n.text(isMuted(state.active) ? 'unmute_room' : 'mute_room', { room: state.active }));
    },
  };
}
