// The members of the room on screen: oneself, then the latest speakers, then the others by name.

import { activeRoom } from '../../state/chat.js';
import { awayOf, usersOf, withMe } from '../../state/rooms/members.js';
import { sharedNames, signOf } from '../../state/finding/namesakes.js';
import { bySpeaking, namedLike } from '../../state/finding/people.js';
import { isListDue, peopleIn } from '../../state/rooms/room.js';
import { avatar } from '../lib/avatar.js';
import { keyedRows } from '../lib/keyed_rows.js';
import { byId, cloned, setAttribute, setText } from '../lib/markup.js';
import { roving } from '../lib/roving.js';

// A shorter list is seen at a glance.
const SEARCHED_FROM = 12;

export function members({ i18n, directory, hueOf, redraw }) {
  const field = byId('find-people');
  field.addEventListener('input', redraw);
  const more = byId('members-more');
  const stops = roving(byId('members'), '.members__menu:not([hidden])');
  const show = keyedRows(byId('members'), createUser, updateUser);

  function createUser(user) {
    const item = cloned('user-template', i18n);
    item.dataset.user = user.user_id;
    return item;
  }

  function updateUser(item, user) {
    avatar(item.querySelector('.avatar'), user);
    setText(item.querySelector('.members__name'), user.isShared ? `${user.username} ${signOf(user.user_id)}` : user.username);
    setText(item.querySelector('.members__note'), [user.isMe ? i18n.text('you') : '', user.isOwner ? i18n.text('owner') : '', user.isAway ? i18n.text('away') : ''].filter(Boolean).join(' · '));
    item.classList.toggle('members__user--away', user.isAway);
    item.dataset.username = user.username;
    const button = item.querySelector('.members__menu');
    button.hidden = !user.hasMenu;
    setAttribute(button, 'aria-label', i18n.text('person_menu', { name: user.username }));
  }

  // A large room's list goes on as one reads it, and begins anew when its drawer is opened.
  const list = byId('members');
  list.addEventListener('scroll', () => {
    const isNearEnd = list.scrollHeight - list.clientHeight - list.scrollTop < list.clientHeight / 2;
    if (isNearEnd) directory.askMembers('next');
  }, { passive: true });
  byId('people-button').addEventListener('click', () => directory.askMembers('first'));
  // Beside the room the list has no drawer. A reader further down keeps their place.
  const panel = byId('members-panel');
  panel.addEventListener('focusin', ({ relatedTarget }) => {
    if (list.scrollTop === 0 && field.value === '' && !panel.contains(relatedTarget)) directory.askMembers('first');
  });

  // Others may be on pages that were not asked for yet.
  function sought(room, found) {
    if (field.value === '') return '';
    const isKnown = room.isWhole || room.nextMembers === null;
    if (!isKnown && found.length < SEARCHED_FROM) directory.askMembers('all');
    return found.length === 0 && isKnown ? i18n.text('nobody_found') : '';
  }

  return {
    update(state) {
      const room = activeRoom(state);
      if (!room) return;
      const present = bySpeaking(usersOf(room.isJoined ? withMe(room.members, state.me) : room.members, state.me, i18n.format.compare), room.timeline.entries, state.me);
      const { owner = null, people = [] } = state.memberships.get(room.id) ?? {};
      const users = [...present, ...awayOf(people, present, i18n.format.compare)];
      const names = sharedNames(users);
      field.hidden = users.length < SEARCHED_FROM && field.value === '';
      const found = namedLike(users, field.value);
      show(found.map((user) => ({ ...user, key: user.user_id, isMe: user.user_id === state.me?.userId,
        hasMenu: user.user_id !== state.me?.userId,
        isOwner: user.user_id === owner, isAway: user.isAway === true, hue: hueOf(room.id, user.user_id), isShared: names.has(user.username) })), i18n.version);
      stops.settle();
      setText(byId('nobody-found'), sought(room, found));
      if (isListDue(room) && list.offsetParent !== null) directory.askMembersSoon();
      const unlisted = peopleIn(room) - present.length;
      more.hidden = unlisted <= 0;
      setText(more, i18n.text('members_more', { count: unlisted }));
    },
  };
}
