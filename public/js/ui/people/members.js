// Who is in the room on screen: users, and with how many sessions.

import { activeRoom } from '../../state/chat.js';
import { usersOf } from '../../state/members.js';
import { avatar } from '../lib/avatar.js';
import { keyedRows } from '../lib/keyed_rows.js';
import { byId, cloned, setText } from '../lib/markup.js';

export function members({ i18n }) {
  const more = byId('members-more');
  const show = keyedRows(byId('members'), createUser, updateUser);

  function createUser(user) {
    const item = cloned('user-template', i18n);
    item.dataset.user = user.user_id;
    return item;
  }

  function updateUser(item, user) {
    avatar(item.querySelector('.avatar'), user);
    setText(item.querySelector('.members__name'), user.username);
    setText(item.querySelector('.members__note'), noteOf(user));
  }

  function noteOf({ isMe, sessions }) {
    const notes = isMe ? [i18n.text('you')] : [];
    if (sessions > 1) notes.push(i18n.text('user_sessions', { count: sessions }));
    return notes.join(' · ');
  }

  return {
    update(state) {
      const room = activeRoom(state);
      if (!room) return;
      const users = usersOf(room.members, state.me, i18n.format.compare);
      show(users.map((user) => ({ ...user, key: user.user_id, isMe: user.user_id === state.me?.userId })), i18n.language);
      const unlisted = room.clientCount - room.members.length;
      // A list on its way is not "more": only a page that was cut is.
      more.hidden = unlisted <= 0 || room.listedFor !== room.clientCount;
      setText(more, i18n.text('members_more', { count: unlisted }));
    },
  };
}
