// The reports in the dialog of moderators: what was reported, why, and what can be done about it.

import { mayOrder } from '../../state/identity/rights.js';
import { openDialog } from '../lib/dialogs.js';
import { keyedRows } from '../lib/keyed_rows.js';
import { byId, cloned, setText } from '../lib/markup.js';

const ACTS = ['jump', 'delete', 'mute', 'settle'];

export function reportList({ i18n, store, tell, reports, orders, openPlace }) {
  const show = keyedRows(byId('reports'), create, update);
  let newest = null;

  // Words and no sound: a list that was read before has another first entry.
  store.subscribe(({ moderation: { reports: { entries, isLoading } } }) => {
    if (isLoading) return;
    const first = entries[0]?.id ?? '';
    const isNews = newest !== null && isAfter(first, newest) && !byId('moderation').hasAttribute('open');
    newest = newest === null || isAfter(first, newest) ? first : newest;
    if (isNews) tell(i18n.text('report_came'), { label: i18n.text('show'), run: () => openDialog('moderation') });
  });

  function create(report) {
    const item = cloned('report-template', i18n);
    item.querySelector('.report__acts').append(...ACTS.map((act) => {
      const button = document.createElement('button');
      Object.assign(button, { type: 'button', className: 'button button--quiet' });
      button.dataset.act = act;
      button.addEventListener('click', () => acts[act](reportOf(report.key)));
      return button;
    }));
    return item;
  }

  const reportOf = (id) => store.state.moderation.reports.entries.find((it) => it.id === id);
  const told = (problem, done) => setText(byId('moderation-status'), problem ? i18n.text(problem.key, problem.slots) : i18n.text(done));
  const close = () => byId('moderation').close?.();
  const acts = {
    jump({ room_id: room, seq }) {
      close();
      openPlace({ room, seq });
    },
    async delete({ room_id: room, seq }) {
      const problem = await reports.remove(room, seq);
      if (problem === null) byId('reports-heading').focus();
      told(problem, 'deleted_told');
    },
    // The order is about the room on screen.
    mute({ room_id: room, user_id, username, reason }) {
      close();
      openPlace({ room, seq: null });
      orders.open('mute', { user_id, username: username ?? user_id }, { reason });
    },
    async settle({ id }) {
      const problem = await reports.settle(id);
      // The row went away, and the focus must not go with it.
      if (problem === null) byId('reports-heading').focus();
      told(problem, 'did_settle');
    },
  };

  function update(item, { by, username, user_id: userId, room_id: room, message, seq, reason, timestamp, isThere, mayMute }) {
    const slots = { who: by?.username ?? i18n.text('somebody'), whom: username ?? userId, room };
    setText(item.querySelector('.report__what'), i18n.text(seq === undefined ? 'report_of_person' : 'report_of_message', slots));
    setText(item.querySelector('.report__message'), message?.deleted ? i18n.text('report_deleted') : (message?.content ?? ''));
    setText(item.querySelector('.report__reason'), i18n.text('report_reason', { reason }));
    const time = item.querySelector('.report__time');
    time.dateTime = timestamp;
    setText(time, i18n.format.moment(Date.parse(timestamp)));
    const isMessage = seq !== undefined && message !== undefined;
    const shown = { jump: isThere && isMessage, delete: isThere && isMessage && !message.deleted, mute: isThere && mayMute, settle: true };
    for (const button of item.querySelectorAll('[data-act]')) {
      button.hidden = !shown[button.dataset.act];
      setText(button, i18n.text(`report_${button.dataset.act}`));
      button.setAttribute('aria-label', `${i18n.text(`report_${button.dataset.act}`)}: ${slots.whom}`);
    }
  }

  return {
    update(state) {
      const { entries } = state.moderation.reports;
      const mayMute = mayOrder(state.me, 'mute');
      // A private room of others can't be opened.
      const isThere = (room) => !/^[!@]/.test(room) || state.myRooms.has(room) || state.rooms.has(room);
      show(entries.map((it) => ({ ...it, key: it.id, isThere: isThere(it.room_id), mayMute })), i18n.version);
    },
  };
}

/** Whether an id of a report is newer than another; '' is older than all. */
function isAfter(one, other) {
  const [at, number] = one.split('-').map(Number);
  const [otherAt, otherNumber] = other.split('-').map(Number);
  return one !== '' && (other === '' || at > otherAt || (at === otherAt && number > otherNumber));
}
