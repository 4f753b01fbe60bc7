// The list of keys, commands and signs of style: opened by `?`.

import { COMMANDS } from '../../state/text/commands.js';
import { byId, setText } from '../lib/markup.js';

const KEYS = [
  ['Ctrl+K', 'key_switcher'], ['Alt+↑ / Alt+↓', 'key_rooms'], ['Alt+Shift+↑ / ↓', 'key_unread'], ['Alt+A', 'key_first_unread'],
  ['F6 / Shift+F6', 'key_regions'], ['↑ ↓ Home End', 'key_messages'], ['PageUp / PageDown', 'key_scroll'],
  ['Enter / Shift+F10', 'key_menu'], ['Esc', 'key_escape'], ['?', 'key_help'],
];
const WRITING = [
  ['*…*', 'write_bold'], ['_…_', 'write_italic'], ['~…~', 'write_strike'], ['`…`', 'write_code'], ['```', 'write_fence'], ['> …', 'write_quote'],
  ['- …', 'write_list'], [':na', 'write_emoji'],
];

export function help({ i18n }) {
  let shown = null;

  return {
    update() {
      if (shown === i18n.version) return;
      shown = i18n.version;
      fill('help-keys', KEYS, i18n);
      fill('help-commands', COMMANDS.map(({ usage, help: key }) => [usage, key]), i18n);
      fill('help-writing', WRITING, i18n);
    },
  };
}

function fill(id, rows, i18n) {
  const list = byId(id);
  if (list.childElementCount === 0) {
    list.append(...rows.flatMap(([sign]) => {
      const term = document.createElement('dt');
      const keys = document.createElement('kbd');
      keys.textContent = sign;
      term.append(keys);
      return [term, document.createElement('dd')];
    }));
  }
  list.querySelectorAll('dd').forEach((meaning, at) => setText(meaning, i18n.text(rows[at][1])));
}
