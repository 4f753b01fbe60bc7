// The orders of moderation in a menu about a person.

import { mayOrder } from '../../state/identity/rights.js';
import { isMuted } from '../../state/rooms/moderation.js';
import { cloned, setText } from '../lib/markup.js';

const ORDERS = ['kick', 'mute', 'unmute', 'ban'];

/** Adds the items to the menu `box`. Returns `show(person)`, to be called before it opens; null is nobody that an order can be about. */
export function personItems(box, { i18n, store, moderation, orders, tellOrder, tellProblem, today }) {
  let person = null;
  const items = ORDERS.map((order) => {
    const item = cloned('menu-item-template', i18n);
    item.dataset.order = order;
    item.addEventListener('click', () => (order === 'unmute' ? unmute() : orders.open(order, person)));
    return item;
  });
  box.append(...items);

  async function unmute() {
    const { user_id: userId, username: name } = person;
    const problem = await moderation.unmute(store.state.active, userId);
    if (problem) tellProblem(problem);
    else tellOrder('did_unmute', { name });
  }

  return function show(about) {
    person = about;
    const isMute = about !== null && isMuted(store.state, store.state.active, about.user_id, today());
    for (const item of items) {
      const { order } = item.dataset;
      const isFitting = order === 'unmute' ? isMute : order !== 'mute' || !isMute;
      item.hidden = about === null || !isFitting || !mayOrder(store.state.me, order);
      setText(item, i18n.text(order));
    }
  };
}
