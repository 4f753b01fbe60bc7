// The field above the room list: opens a room by name, whether anybody is in it or not.

import { parseRoom, tidied } from '../../state/names.js';
import { byId, setText } from '../lib/markup.js';

export function openRoomForm({ i18n, store, openRoom }) {
  const form = byId('open-room-form');
  const input = byId('open-room-input');
  const error = byId('open-room-error');

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const max = store.state.limits.room_name_chars;
    const { value, problem } = parseRoom(tidied(input.value), max);
    setText(error, problem ? i18n.text(`room_${problem}`, { max }) : '');
    if (problem) return input.focus();
    input.value = '';
    openRoom(value);
  });
  input.addEventListener('input', () => setText(error, ''));
}
