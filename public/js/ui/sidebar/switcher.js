// The field above the room list: finds a room as one types, or makes one. Ctrl+K leads to it.

import { parseRoom, tidied } from '../../state/text/names.js';
import { peopleIn } from '../../state/rooms/room.js';
import { folded, matchingRooms } from '../../state/finding/switcher.js';
import { roomOf } from '../../i18n/i18n.js';
import { combobox } from '../lib/combobox.js';
import { byId, cloned, setText } from '../lib/markup.js';
import { problemText } from '../lib/problems.js';

// One question a pause in typing, not one a letter.
const ASK_AFTER_MS = 250;

export function switcher({ i18n, store, storage, directory, drawers, openRoom }) {
  const input = byId('open-room-input');
  const error = byId('open-room-error');
  let found = [];
  let timer = null;
  const box = combobox({ input, list: byId('room-suggestions'), suggest, create, update, choose, isEager: true });

  byId('open-room-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const { problem } = named(input.value);
    const max = store.state.limits.room_name_chars;
    if (problem) setText(error, problemText(i18n, { field: 'room', problem, text: input.value, max }));
  });
  input.addEventListener('input', () => {
    setText(error, '');
    clearTimeout(timer);
    timer = setTimeout(ask, ASK_AFTER_MS);
  });

  function known() {
    const { rooms, myRooms, roomDirectory: { rooms: others }, me } = store.state;
    const counts = new Map([...found, ...others].map(({ id, client_count }) => [id, client_count]));
    for (const id of myRooms.keys()) counts.set(id, 0);
    for (const room of rooms.values()) counts.set(room.id, peopleIn(room));
    const recent = storage.roomsOf(me?.username ?? '');
    for (const room of recent) if (!counts.has(room)) counts.set(room, 0);
    return { rooms: [...counts].map(([name, count]) => ({ name, count })), recent };
  }

  function suggest() {
    const { rooms, recent } = known();
    // One looks for another room than the one that is open, unless one writes its name.
    const isElsewhere = (name) => input.value !== '' || name !== store.state.active;
    const matches = matchingRooms(input.value, rooms.filter(({ name }) => isElsewhere(name)), recent.filter((name) => name !== store.state.active), i18n.roomName);
    const { value } = named(input.value);
    const isThere = matches.some(({ name }) => name === value);
    return value && !isThere ? [...matches.map(rowOf), { key: '', name: value, count: 0, isNew: true }] : divided(matches);
  }

  function rowOf({ name, count }) {
    return { key: name, name, count, isNew: false };
  }

  function divided(matches) {
    return matches.flatMap((match, at) => {
      const isFirst = match.section !== null && match.section !== matches[at - 1]?.section;
      const heading = { key: ` ${match.section}`, heading: i18n.text(match.section === 'recent' ? 'recent_rooms' : 'other_rooms') };
      return isFirst ? [heading, rowOf(match)] : [rowOf(match)];
    });
  }

  // A sign in front is how people write of rooms; it is no part of the name.
  function named(text) {
    const { value, problem } = parseRoom(tidied(text).replace(/^\s*#+/u, ''), store.state.limits.room_name_chars);
    return { value: value && roomOf(value), problem };
  }

  // The list knows the busiest rooms; the others are asked for by how they begin.
  async function ask() {
    const prefix = input.value.trim().replace(/^#+/u, '');
    if (prefix === '' || !store.state.roomDirectory.hasMore) return;
    found = await directory.find(prefix);
    if (folded(input.value).startsWith(folded(prefix))) box.refresh();
  }

  function create() {
    return cloned('room-suggestion-template', i18n);
  }

  function update(option, { name, count, isNew }) {
    setText(option.querySelector('.suggestions__name'), isNew ? i18n.text('create_room', { room: name }) : i18n.roomName(name));
    setText(option.querySelector('.suggestions__note'), isNew || count === 0 ? '' : i18n.text('sessions_online', { count }));
  }

  function choose({ name }) {
    clearTimeout(timer);
    input.value = '';
    openRoom(name);
  }

  return {
    focus() {
      if (drawers.isNarrow()) drawers.open('rooms');
      input.focus();
      box.open();
    },
  };
}
