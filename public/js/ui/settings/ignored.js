// The people one does not want to read: listed in the settings, where they can be let in again.

import { withoutIgnored } from '../../state/settings/settings.js';
import { keyedRows } from '../lib/keyed_rows.js';
import { byId, cloned, setAttribute, setText } from '../lib/markup.js';

export function ignored({ i18n, settings }) {
  const list = byId('ignored');
  const show = keyedRows(list, create, (item, { username }) => {
    setText(item.querySelector('bdi'), username);
    const button = item.querySelector('button');
    setText(button, i18n.text('stop_ignoring'));
    setAttribute(button, 'aria-label', `${i18n.text('stop_ignoring')}: ${username}`);
  });

  function create({ key }) {
    const item = cloned('ignored-template', i18n);
    item.querySelector('button').addEventListener('click', () => {
      settings.change(withoutIgnored(settings.current, key));
      byId('settings').querySelector('button').focus();
    });
    return item;
  }

  return {
    update() {
      const people = settings.current.ignored;
      byId('ignored-part').hidden = people.length === 0;
      show(people.map(({ user_id, username }) => ({ key: user_id, username })), i18n.version);
    },
  };
}
