// The way in: a name and a room.

import { parseName, parseRoom, tidied } from '../../../state/text/names.js';
import { matchingRooms } from '../../../state/finding/switcher.js';
import { FIRST_ROOM, roomOf } from '../../../i18n/i18n.js';
import { combobox } from '../../lib/combobox.js';
import { keyedRows } from '../../lib/keyed_rows.js';
import { byId, cloned, setAttribute, setText } from '../../lib/markup.js';
import { problemText } from '../../lib/problems.js';

// Refusals of a name; others are the page's.
export const AT_THE_NAME = new Set(['bad_username', 'username_taken']);
// A few rooms to look into; the whole list is inside.
const ROOMS_SHOWN = 6;

export function joinForm({ i18n, store, storage, enter, roomAsked }) {
  const fields = { name: byId('name'), room: byId('room') };
  const show = keyedRows(byId('join-rooms'), createRoom, updateRoom);
  let shownRefusal = null;
  fields.name.value = storage.name();
  fields.room.value = i18n.roomName(roomAsked ?? FIRST_ROOM);
  // The written text is taken unless one chooses: it may be a room to be.
  combobox({ input: fields.room, list: byId('join-suggestions'), suggest, create, update, choose, isEager: false });

  byId('join-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const { username_chars: nameMax, room_name_chars: roomMax } = store.state.limits;
    const room = parsed('room', parseRoom, roomMax);
    const name = parsed('name', parseName, nameMax);
    if (name && room) enter(name, roomOf(room));
  });
  for (const field of ['name', 'room']) {
    fields[field].addEventListener('input', () => tell(field, ''));
  }

  function parsed(field, parse, max) {
    const text = tidied(fields[field].value);
    const { value, problem } = parse(text, max);
    tell(field, problem ? problemText(i18n, { field, problem, text, max }) : '');
    if (problem) fields[field].focus();
    return value;
  }

  function tell(field, text) {
    setAttribute(fields[field], 'aria-invalid', text === '' ? null : 'true');
    setText(byId(`${field}-error`), text);
  }

  function suggest() {
    const rooms = store.state.roomDirectory.rooms.map(({ name, client_count }) => ({ name, count: client_count }));
    const matches = matchingRooms(fields.room.value, rooms, storage.roomsOf(fields.name.value), i18n.roomName);
    return matches.map(({ name, count }) => ({ key: name, name, count })).filter(({ name }) => name !== roomOf(fields.room.value));
  }

  function create() {
    return cloned('room-suggestion-template', i18n);
  }

  function update(option, { name, count }) {
    setText(option.querySelector('.suggestions__name'), i18n.roomName(name));
    setText(option.querySelector('.suggestions__note'), i18n.text('people_count', { count }));
  }

  function choose({ name }) {
    fields.room.value = i18n.roomName(name);
    tell('room', '');
    (fields.name.value === '' ? fields.name : byId('join-button')).focus();
  }

  function createRoom({ name }) {
    const item = document.createElement('li');
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'chip';
    button.addEventListener('click', () => choose({ name }));
    item.append(button);
    return item;
  }

  function updateRoom(item, { name, count }) {
    setText(item.firstElementChild, `${i18n.roomName(name)} · ${i18n.format.number(count)}`);
    setAttribute(item.firstElementChild, 'aria-label', i18n.text('room_label', { room: name, count }));
  }

  return {
    update(state) {
      if (state.refusedEntry !== shownRefusal) {
        shownRefusal = state.refusedEntry;
        if (AT_THE_NAME.has(shownRefusal)) {
          tell('name', i18n.text(`refused_${shownRefusal}`));
          fields.name.focus();
        }
      }
      // The language may be another now.
      if (document.activeElement !== fields.room) fields.room.value = i18n.roomName(roomOf(fields.room.value));
      const busiest = [...state.roomDirectory.rooms].sort((one, other) => other.client_count - one.client_count);
      // By name, so that they do not change places under a finger.
      const shown = busiest.slice(0, ROOMS_SHOWN).sort((one, other) => i18n.format.compare(one.name, other.name));
      show(shown.map(({ id, name, client_count }) => ({ key: id, name, count: client_count })), i18n.version);
    },
    focus: () => (fields.name.value === '' ? fields.name : byId('join-button')).focus(),
  };
}
