// Below a message: the reactions to it, each with how many have it; a press adds one's own or takes it back.

import { keyedRows } from '../../lib/keyed_rows.js';
import { cloned, setAttribute, setText } from '../../lib/markup.js';

// A message may have more kinds than a row shows names of people.
const NAMES_SHOWN = 10;
const lists = new WeakMap();

/** Shows or takes away the `.reactions` of a row; `nameOf(userId)` is a person's name, if the page has seen it. */
export function updateReactions(element, { reactions }, page) {
  const known = element.querySelector('.reactions');
  const kinds = Object.entries(reactions ?? {});
  if (kinds.length === 0) return known?.remove();
  const list = known ?? added(element, page.i18n);
  lists.get(list)(kinds.map(([emoji, { count, users }]) => ({ key: emoji, emoji, count, ...said(emoji, count, users, page) })), page.i18n.version);
  return undefined;
}

function said(emoji, count, users, { i18n, store, nameOf }) {
  const isOwn = users.some((id) => store.state.me?.userIds.includes(id));
  return { isOwn, label: i18n.text('reaction_label', { emoji, count, names: namesOf(count, users, { i18n, store, nameOf }) }) };
}

/** The people of a reaction as a list: those that are known by name, and how many others. */
export function namesOf(count, users, { i18n, store, nameOf }, most = NAMES_SHOWN) {
  const isMe = (id) => store.state.me?.userIds.includes(id);
  const named = users.map((id) => (isMe(id) ? i18n.text('you') : nameOf(id))).filter((name) => name !== undefined).slice(0, most);
  const others = count - named.length;
  return i18n.format.list(others > 0 ? [...named, i18n.text(named.length > 0 ? 'others_count' : 'people_count', { count: others })] : named);
}

function added(element, i18n) {
  const list = document.createElement('ul');
  list.className = 'reactions';
  lists.set(list, keyedRows(list, () => cloned('reaction-template', i18n), (item, reaction) => update(item, reaction, i18n)));
  element.querySelector('.message__menu').after(list);
  return list;
}

function update(item, { emoji, count, isOwn, label }, i18n) {
  const button = item.querySelector('button');
  button.dataset.emoji = emoji;
  button.title = label;
  setAttribute(button, 'aria-label', label);
  setAttribute(button, 'aria-pressed', String(isOwn));
  setText(button.querySelector('.reaction__emoji'), emoji);
  setText(button.querySelector('.reaction__count'), i18n.format.number(count));
}

/** One listener for all rows; `toggle(key, emoji, isOn)` gets the key of the row. */
export function reactionButtons(rows, toggle) {
  rows.addEventListener('click', ({ target }) => {
    const button = target.closest('.reaction');
    if (button) toggle(button.closest('.message').dataset.key, button.dataset.emoji, button.getAttribute('aria-pressed') !== 'true');
  });
}
