// The people who are writing. Its height is fixed: nothing moves when somebody starts or stops.

import { activeRoom } from '../../state/chat.js';
import { isIgnored } from '../../state/settings/settings.js';
import { byId, setText } from '../lib/markup.js';

export function typingLine({ i18n, settings }) {
  return {
    update(state) {
      const typing = activeRoom(state)?.typing ?? [];
      const users = typing.filter(({ user_id }) => !isIgnored(settings.current, user_id));
      setText(byId('typing-line'), textOf(users.map((user) => user.username), i18n));
    },
  };
}

function textOf([first, second, third], i18n) {
  if (first === undefined) return '';
  if (second === undefined) return i18n.text('typing_one', { first });
  return third === undefined ? i18n.text('typing_two', { first, second }) : i18n.text('typing_many');
}
