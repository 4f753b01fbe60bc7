// Who is writing. Its height is fixed: nothing moves when somebody starts or stops.

import { activeRoom } from '../../state/chat.js';
import { byId, setText } from '../lib/markup.js';

export function typingLine({ i18n }) {
  return {
    update(state) {
      const users = activeRoom(state)?.typing ?? [];
      setText(byId('typing-line'), textOf(users.map((user) => user.username), i18n));
    },
  };
}

function textOf([first, second, third], i18n) {
  if (first === undefined) return '';
  if (second === undefined) return i18n.text('typing_one', { first });
  return third === undefined ? i18n.text('typing_two', { first, second }) : i18n.text('typing_many');
}
