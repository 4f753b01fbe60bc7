// The members of a private room in its details: who owns it, who is to be added or removed.

import { namesSeen } from '../../../state/finding/names_seen.js';
import { peopleBeginning } from '../../../state/finding/orders.js';
import { sharedNames, signOf } from '../../../state/finding/namesakes.js';
import { isConversation, isOwner, isPrivate } from '../../../state/rooms/my_rooms.js';
import { combobox } from '../../lib/combobox.js';
import { keyedRows } from '../../lib/keyed_rows.js';
import { byId, cloned, setAttribute, setText } from '../../lib/markup.js';

const MOST_SHOWN = 8;

export function memberList({ i18n, store, myRooms }) {
  const status = byId('details-members-status');
  const field = byId('add-member');
  const show = keyedRows(byId('details-members'), create, update);
  combobox({ input: field, list: byId('add-member-list'), suggest, create: () => cloned('room-suggestion-template', i18n), update: updateOption, choose, isEager: true });

  const room = () => store.state.active;

  function suggest() {
    const members = new Set((store.state.memberships.get(room())?.people ?? []).map(({ user_id: id }) => id));
    const isOther = ({ user_id: id }) => !members.has(id) && !store.state.me?.userIds.includes(id);
    const people = [...namesSeen(store.state)].map(([id, username]) => ({ user_id: id, username })).filter(isOther);
    const found = peopleBeginning(field.value.trim(), people).slice(0, MOST_SHOWN);
    setText(status, found.length === 0 && field.value.trim() !== '' ? i18n.text('nobody_met') : '');
    const shared = sharedNames(found);
    return found.map((person) => ({ key: person.user_id, person, name: shared.has(person.username) ? `${person.username} ${signOf(person.user_id)}` : person.username }));
  }

  function updateOption(option, { name }) {
    setText(option.querySelector('.suggestions__name'), name);
  }

  async function choose({ person }) {
    field.value = '';
    const { problem } = await myRooms.add(room(), person.user_id);
    setText(status, problem ? i18n.text(problem.key, problem.slots) : i18n.text('did_add', { name: person.username }));
  }

  function create({ key }) {
    const item = cloned('member-template', i18n);
    item.querySelector('button').addEventListener('click', () => remove(key));
    return item;
  }

  function update(item, { username, note, mayRemove }) {
    setText(item.querySelector('.details__name'), username);
    setText(item.querySelector('.details__note'), note);
    const button = item.querySelector('button');
    button.hidden = !mayRemove;
    setAttribute(button, 'aria-label', `${i18n.text('remove_member')}: ${username}`);
  }

  async function remove(userId) {
    const { username } = store.state.memberships.get(room()).people.find(({ user_id: id }) => id === userId);
    const { problem } = await myRooms.remove(room(), userId);
    setText(status, problem ? i18n.text(problem.key, problem.slots) : i18n.text('did_remove', { name: username }));
    // The row went away, and the focus must not go with it.
    if (!problem) byId('details-members-heading').focus();
  }

  return {
    update(state) {
      const { active } = state;
      byId('details-members-part').hidden = !isPrivate(active);
      const { people = [], owner } = state.memberships.get(active) ?? {};
      const isOurs = isOwner(state, active);
      byId('add-member-row').hidden = isConversation(active) || !isOurs;
      const owning = owner ?? state.myRooms.get(active)?.owner;
      const sorted = [...people].sort((one, other) => (other.user_id === owning) - (one.user_id === owning) || i18n.format.compare(one.username, other.username));
      show(sorted.map(({ user_id: id, username }) => ({ key: id, username, note: id === owning ? i18n.text('owner') : '',
        mayRemove: isOurs && id !== owning && !isConversation(active) })), i18n.version);
    },
  };
}
