// The list of keys, commands and signs of style: opened by `?`.

import { commandsFor } from '../../state/text/commands.js';
import { byId, setText } from '../lib/markup.js';

const KEYS = [
  ['Ctrl+K', 'key_switcher'], ['Alt+↑ / Alt+↓', 'key_rooms'], ['Alt+Shift+↑ / ↓', 'key_unread'], ['Alt+A', 'key_first_unread'],
  ['F6 / Shift+F6', 'key_regions'], ['↑ ↓ Home End', 'key_messages'], ['PageUp / PageDown', 'key_scroll'], ['/ · 2 × Ctrl+F', 'key_search'],
  ['Enter / Shift+F10', 'key_menu'], ['R · E · +', 'key_answer'], ['Delete', 'key_delete'], ['↑', 'key_edit'], ['Esc', 'key_escape'], ['?', 'key_help'],
];
const WRITING = [
  ['*…*', 'write_bold'], ['_…_', 'write_italic'], ['~…~', 'write_strike'], ['`…`', 'write_code'], ['```', 'write_fence'], ['> …', 'write_quote'],
  ['- …', 'write_list'], [':na', 'write_emoji'], ['@', 'write_mention'],
];

export function help({ i18n }) {
  let shown = null;
  const versionFor = (me) => `${i18n.version} ${me?.role}`;

  return {
    update({ me }) {
      if (shown === versionFor(me)) return;
      shown = versionFor(me);
      fill('help-keys', KEYS, i18n);
      fill('help-commands', commandsFor(me).map(({ usage, help: key }) => [usage, key]), i18n);
      fill('help-writing', WRITING, i18n);
    },
  };
}

function fill(id, rows, i18n) {
  const list = byId(id);
  if (list.childElementCount !== 2 * rows.length) {
    list.replaceChildren(...rows.flatMap(([sign]) => {
      const term = document.createElement('dt');
      const keys = document.createElement('kbd');
      keys.textContent = sign;
      term.append(keys);
      return [term, document.createElement('dd')];
    }));
  }
  list.querySelectorAll('dd').forEach((meaning, at) => setText(meaning, i18n.text(rows[at][1])));
}
