// The actions on a message: by its button, by Enter or the menu key on its row.

import { isIgnored, withIgnored, withoutIgnored } from '../../state/settings/settings.js';
import { copied } from '../lib/clipboard.js';
import { byId, setText } from '../lib/markup.js';
import { menu } from '../lib/menu.js';
import { personItems } from '../people/person_items.js';
import { linkTo } from '../room/invite.js';

/** `rowOf(key)` is the row that a `.message` shows. */
export function messageMenu(page) {
  const { i18n, store, chat, settings, tell, rowOf } = page;
  const box = menu(byId('message-menu'));
  const rows = byId('timeline-rows');
  let row = null;
  const showOrders = personItems(byId('message-menu'), page);

  rows.addEventListener('click', ({ target }) => {
    const button = target.closest('.message__menu');
    if (button) open(button.closest('.message'));
  });
  rows.addEventListener('keydown', (event) => {
    const isOnRow = event.target.classList.contains('message');
    const isAsked = event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey) || event.key === 'Enter';
    if (!isOnRow || !isAsked) return;
    event.preventDefault();
    open(event.target);
  });
  byId('message-copy-link').addEventListener('click', () => copy(linkTo(store.state.active, row.seq), 'link_copied'));
  byId('message-copy-text').addEventListener('click', () => copy(row.content, 'text_copied'));
  byId('message-mark-unread').addEventListener('click', () => chat.markUnread(store.state.active, row.seq));
  byId('message-ignore').addEventListener('click', ignore);

  function open(element) {
    row = rowOf(element.dataset.key);
    if (!row) return;
    setText(byId('message-menu-time'), i18n.format.moment(row.at));
    for (const item of ['message-copy-link', 'message-mark-unread']) byId(item).hidden = !Number.isFinite(row.seq);
    byId('message-ignore').hidden = row.isOwn;
    setText(byId('message-ignore'), i18n.text(isIgnored(settings.current, row.user_id) ? 'stop_ignoring_person' : 'ignore_person', { name: row.username }));
    // An unsent message is our own.
    showOrders(row.isOwn || !Number.isFinite(row.seq) ? null : { user_id: row.user_id, username: row.username });
    box.open(element.querySelector('.message__menu'));
  }

  async function copy(text, told) {
    const isCopied = await copied(text);
    tell(i18n.text(isCopied ? told : 'copy_failed'));
  }

  // The row goes away, and the focus must not go with it.
  function ignore() {
    const { user_id, username } = row;
    settings.change(withIgnored(settings.current, { user_id, username }));
    byId('timeline').focus({ preventScroll: true });
    tell(i18n.text('ignored_person', { name: username }), {
      label: i18n.text('stop_ignoring'),
      run: () => settings.change(withoutIgnored(settings.current, user_id)),
    });
  }
}
