// The dialog before somebody is removed, muted or banned: for how long, why, and whether one means it.

import { closeDialog, openDialog } from '../lib/dialogs.js';
import { byId, setAttribute, setText } from '../lib/markup.js';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const FOR_GOOD = '';
const TIMES = { kick: [], mute: [10 * MINUTE, HOUR, DAY], ban: [HOUR, DAY, 7 * DAY, FOR_GOOD] };

/** Returns `open(order, person, {seconds, reason})`; `order` is 'kick', 'mute' or 'ban', `person` {user_id, username}, null seconds are for good. */
export function personDialog(page) {
  const { i18n, store, moderation } = page;
  const dialog = byId('person-order');
  const form = byId('person-order-form');
  const time = byId('person-order-time');
  const reason = byId('person-order-reason');
  let asked = null;

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (form.hasAttribute('aria-busy')) return;
    setAttribute(form, 'aria-busy', 'true');
    const order = { ...asked, seconds: time.value === FOR_GOOD ? null : Number(time.value), reason: reason.value.trim() };
    const from = asked;
    const problem = await carryOut(order);
    setAttribute(form, 'aria-busy', null);
    // The dialog may be closed by now, or ask something else.
    if (problem) return from === asked ? setText(byId('person-order-error'), i18n.text(problem.key, problem.slots)) : page.tellProblem(problem);
    if (from === asked) closeDialog(dialog);
    return tellDone(order);
  });
  dialog.addEventListener('close', () => { asked = null; });

  function carryOut({ order, person, room, seconds, reason: why }) {
    if (order === 'kick') return moderation.kick(room, person.user_id);
    if (order === 'mute') return moderation.mute(room, person.user_id, seconds);
    return moderation.ban(person.user_id, { seconds, reason: why });
  }

  function tellDone({ order, person, room, seconds }) {
    const slots = { name: person.username, time: order === 'mute' ? i18n.format.duration(seconds) : '' };
    page.tellOrder(`did_${order}`, slots, order === 'mute' ? () => moderation.unmute(room, person.user_id) : null);
  }

  return {
    open(order, person, { seconds, reason: why = '' } = {}) {
      const room = store.state.active;
      asked = { order, person, room };
      setText(byId('person-order-title'), i18n.text(`order_title_${order}`, { name: person.username, room }));
      setText(byId('person-order-lead'), i18n.text(`order_lead_${order}`));
      setText(byId('person-order-do'), i18n.text(`order_do_${order}`));
      setText(byId('person-order-error'), '');
      byId('person-order-time-row').hidden = order === 'kick';
      byId('person-order-reason-row').hidden = order !== 'ban';
      offer(TIMES[order], seconds);
      reason.value = why;
      openDialog('person-order');
      // A slip of the finger does nothing: the first stop is a choice, or the way out.
      (order === 'kick' ? byId('person-order-cancel') : time).focus();
    },
  };

  function offer(times, seconds) {
    const chosen = seconds === null ? FOR_GOOD : seconds;
    const offered = chosen === undefined || times.includes(chosen) ? times : [chosen, ...times];
    time.replaceChildren(...offered.map((value) => {
      const option = document.createElement('option');
      option.value = value;
      option.textContent = value === FOR_GOOD ? i18n.text('for_good') : i18n.format.duration(value);
      return option;
    }));
    if (chosen !== undefined) time.value = chosen;
  }
}
