// The way in: a name and a room.

import { parseName, parseRoom, tidied } from '../../state/names.js';
import { keyedRows } from '../lib/keyed_rows.js';
import { byId, setAttribute, setText } from '../lib/markup.js';

// A few rooms to look into; the whole list is inside.
const ROOMS_SHOWN = 6;

export function joinForm({ i18n, store, storage, enter, roomAsked }) {
  const fields = { name: byId('name'), room: byId('room') };
  const error = byId('join-error');
  const show = keyedRows(byId('join-rooms'), createRoom, updateRoom);
  let shownRefusal = null;
  fields.name.value = storage.name();
  fields.room.value = roomAsked ?? 'general';

  byId('join-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const { username_chars: nameMax, room_name_chars: roomMax } = store.state.limits;
    const name = parsed('name', parseName, nameMax);
    const room = name && parsed('room', parseRoom, roomMax);
    if (name && room) enter(name, room);
  });

  function parsed(field, parse, max) {
    const { value, problem } = parse(tidied(fields[field].value), max);
    setAttribute(fields[field], 'aria-invalid', problem ? 'true' : null);
    setText(error, problem ? i18n.text(`${field}_${problem}`, { max }) : '');
    if (problem) fields[field].focus();
    return value;
  }

  function tellRefusal(reason) {
    setText(error, i18n.text(`refused_${reason}`));
    setAttribute(fields.name, 'aria-invalid', 'true');
    fields.name.focus();
  }

  function createRoom({ name }) {
    const item = document.createElement('li');
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'chip';
    button.dir = 'auto';
    button.addEventListener('click', () => {
      fields.room.value = name;
      (fields.name.value === '' ? fields.name : byId('join-button')).focus();
    });
    item.append(button);
    return item;
  }

  function updateRoom(item, { name, count }) {
    setText(item.firstElementChild, `${name} · ${i18n.format.number(count)}`);
    setAttribute(item.firstElementChild, 'aria-label', i18n.text('room_label', { room: name, count }));
  }

  return {
    update(state) {
      if (state.refusedEntry !== shownRefusal) {
        shownRefusal = state.refusedEntry;
        if (shownRefusal) tellRefusal(shownRefusal);
      }
      const busiest = [...state.directory.rooms].sort((one, other) => other.client_count - one.client_count);
      // By name, so that they do not change places under a finger.
      const shown = busiest.slice(0, ROOMS_SHOWN).sort((one, other) => i18n.format.compare(one.name, other.name));
      show(shown.map(({ id, name, client_count }) => ({ key: id, name, count: client_count })), i18n.language);
    },
    focus: () => (fields.name.value === '' ? fields.name : byId('join-button')).focus(),
  };
}
