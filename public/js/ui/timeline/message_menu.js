// The actions on a message: by its button, by Enter or the menu key on its row, some by keys of their own.

import { mayDelete, mayEdit, mayReact } from '../../state/timeline/editable.js';
import { copied } from '../lib/clipboard.js';
import { byId, setAttribute, setText } from '../lib/markup.js';
import { menu } from '../lib/menu.js';
import { aboutPerson } from '../people/about_person.js';
import { personItems } from '../people/person_items.js';
import { latinOf } from '../page/keyboard.js';
import { linkTo } from '../room/invite.js';
import { picker } from './reactions/picker.js';
import { whoReacted } from './reactions/who_reacted.js';

const QUICK = ['👍', '❤️', '😂', '🙏', '🎉', '😢'];

/** `rowOf(key)` is the row that a `.message` shows. */
export function messageMenu(page) {
  const { i18n, store, chat, tell, rowOf, context, today } = page;
  const box = menu(byId('message-menu'));
  const rows = byId('timeline-rows');
  let row = null;
  // The row that has the focus by a press: its reader may go on to write.
  let pressed = null;
  const showAbout = aboutPerson(byId('message-menu'), page);
  const showOrders = personItems(byId('message-menu'), page);
  const pick = picker(page);
  const showReacted = whoReacted(page);
  const room = () => store.state.active;
  byId('message-react-more').before(...QUICK.map(quickItem));

  rows.addEventListener('click', ({ target }) => {
    const button = target.closest('.message__menu');
    if (button) open(button.closest('.message'));
  });
  rows.addEventListener('keydown', (event) => {
    if (!event.target.classList.contains('message')) return;
    const isAsked = event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey) || event.key === 'Enter';
    const act = isAsked ? open : keyed(event);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act(event.target);
  });
  rows.addEventListener('pointerdown', ({ target }) => { pressed = target.closest('.message'); });
  rows.addEventListener('focusin', ({ target }) => { pressed = pressed === target ? pressed : null; });
  const actions = {
    'message-react-more': () => react(room(), row),
    'message-reply': () => context.reply(row),
    'message-edit': () => context.edit(row),
    'message-delete': remove,
    'message-original': () => page.openPlace({ room: room(), seq: row.reply_to.seq }),
    'message-reacted': () => showReacted(row),
    'message-copy-link': () => copy(linkTo(room(), row.seq), 'link_copied'),
    'message-copy-text': () => copy(row.content, 'text_copied'),
    'message-report': () => page.reporting.open(row, row.seq),
    'message-mark-unread': () => chat.markUnread(room(), row.seq),
  };
  for (const [id, act] of Object.entries(actions)) byId(id).addEventListener('click', act);
  const keys = { r: allowed(mayReact, actions['message-reply']), e: allowed(mayEdit, actions['message-edit']), '+': allowed(mayReact, actions['message-react-more']) };

  function quickItem(emoji) {
    const item = document.createElement('button');
    Object.assign(item, { type: 'button', className: 'menu__item menu__emoji', tabIndex: -1, textContent: emoji });
    item.setAttribute('role', 'menuitem');
    item.dataset.emoji = emoji;
    item.addEventListener('click', () => chat.react(room(), row.seq, emoji, !isOurs(emoji)));
    return item;
  }

  const isOurs = (emoji) => row.reactions?.[emoji]?.users.some((id) => store.state.me?.userIds.includes(id)) === true;

  function react(where, { seq }) {
    pick((emoji) => chat.react(where, seq, emoji, true));
  }

  function open(element) {
    row = rowOf(element.dataset.key);
    if (!row) return;
    const { state } = store;
    const isSent = Number.isFinite(row.seq);
    const isThere = isSent && !row.deleted;
    setText(byId('message-menu-time'), i18n.format.moment(row.at));
    const shown = {
      'message-reactions': mayReact(state, row), 'message-reply': isThere, 'message-edit': mayEdit(state, row, today()),
      'message-delete': mayDelete(state, row, today(), page.isOwner?.(room())), 'message-original': isThere && row.reply_to && !row.reply_to.deleted, 'message-reacted': isThere && Object.keys(row.reactions ?? {}).length > 0,
      'message-copy-link': isSent, 'message-copy-text': !row.deleted && row.content !== '', 'message-mark-unread': isSent,
      'message-report': isThere && !row.isOwn,
    };
    for (const [id, isShown] of Object.entries(shown)) byId(id).hidden = !isShown;
    // A menu finds its items by that.
    for (const item of byId('message-reactions').querySelectorAll('[role="menuitem"]')) {
      item.hidden = !shown['message-reactions'];
      const { emoji } = item.dataset;
      if (emoji) setAttribute(item, 'aria-label', i18n.text('react_with', { emoji }));
    }
    // An unsent message is our own.
    const person = row.isOwn || !isSent ? null : { user_id: row.user_id, username: row.username };
    showAbout(person);
    showOrders(person);
    box.toggle(element.querySelector('.message__menu'));
  }

  function keyed(event) {
    const { altKey, ctrlKey, metaKey, target } = event;
    // One's own only: a moderator's slip would take another's words.
    if (event.key === 'Delete') return allowed(mayEdit, remove);
    if (altKey || ctrlKey || metaKey || target === pressed) return null;
    return keys[latinOf(event)];
  }

  function allowed(may, act) {
    return (element) => {
      row = rowOf(element.dataset.key);
      if (row && may(store.state, row, today())) act();
    };
  }

  async function copy(text, told) {
    const isCopied = await copied(text);
    tell(i18n.text(isCopied ? told : 'copy_failed'));
  }

  function remove() {
    const nonce = chat.remove(room(), row.seq);
    tell(i18n.text('deleted_told'), { label: i18n.text('undo'), isOwn: true, run: () => chat.takeBack(nonce) || tell(i18n.text('undo_late')) }, UNDO_SHOWN_MS);
  }
}

// As long as it can be taken back.
const UNDO_SHOWN_MS = 5_000;
