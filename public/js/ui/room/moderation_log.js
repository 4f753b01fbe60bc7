// The dialog of moderators: the reports, the bans and the record of moderation, the newest entries first. The owner of a private room
// sees its reports alone.

import { mayOrder } from '../../state/identity/rights.js';
import { namesSeen } from '../../state/finding/names_seen.js';
import { bannedPeople } from '../../state/rooms/moderation.js';
import { openDialog } from '../lib/dialogs.js';
import { keyedRows } from '../lib/keyed_rows.js';
import { byId, cloned, setText } from '../lib/markup.js';
import { auditText } from './audit_text.js';
import { reportList } from './report_list.js';

export function moderationLog(page) {
  const { i18n, store, moderation, reports } = page;
  const dialog = byId('moderation');
  const status = byId('moderation-status');
  const reported = reportList(page);
  const showBans = keyedRows(byId('bans'), () => cloned('ban-template', i18n), updateBan);
  const showAudit = keyedRows(byId('audit'), () => cloned('audit-template', i18n), updateEntry);

  byId('room-moderation').addEventListener('click', () => {
    setText(status, '');
    openDialog('moderation');
    reports.list();
    if (!mayOrder(store.state.me, 'audit')) return;
    moderation.listBans();
    moderation.listAudit();
  });
  byId('reports-more').addEventListener('click', () => reports.list(true));
  byId('bans-more').addEventListener('click', () => moderation.listBans(true));
  byId('audit-more').addEventListener('click', () => moderation.listAudit(true));
  byId('bans').addEventListener('click', async ({ target }) => {
    const button = target.closest('button');
    if (!button) return;
    const { user, name } = button.closest('li').dataset;
    const problem = await moderation.unban(user);
    if (problem) return setText(status, i18n.text(problem.key, problem.slots));
    // The row went away, and the focus must not go with it.
    byId('bans-heading').focus();
    return setText(status, i18n.text('did_unban', { name }));
  });

  function updateBan(item, { user_id: userId, username, until, reason, mayLift }) {
    Object.assign(item.dataset, { user: userId, name: username });
    setText(item.querySelector('.ban__name'), username);
    setText(item.querySelector('.ban__until'), until ? i18n.text('ban_until', { time: i18n.format.moment(Date.parse(until)) }) : i18n.text('for_good'));
    setText(item.querySelector('.ban__reason'), reason ?? '');
    const button = item.querySelector('button');
    button.hidden = !mayLift;
    setText(button, i18n.text('unban'));
    button.setAttribute('aria-label', `${i18n.text('unban')}: ${username}`);
  }

  function updateEntry(item, { whom, ...entry }) {
    setText(item.querySelector('.audit__what'), auditText(entry, whom, i18n));
    const time = item.querySelector('.audit__time');
    time.dateTime = entry.timestamp;
    setText(time, i18n.format.moment(Date.parse(entry.timestamp)));
    setText(item.querySelector('.audit__reason'), entry.reason ?? '');
  }

  function updateList(name, { entries, next, isLoading, problem }) {
    const isEmpty = entries.length === 0;
    const words = problem ? i18n.text(problem.key, problem.slots) : i18n.text(isLoading ? 'list_loading' : `no_${name}`);
    setText(byId(`${name}-note`), problem || isEmpty ? words : '');
    byId(`${name}-more`).hidden = next === null;
  }

  return {
    update(state) {
      if (!dialog.hasAttribute('open')) return;
      const { bans, audit } = state.moderation;
      const isModerator = mayOrder(state.me, 'audit');
      for (const part of dialog.querySelectorAll('[data-moderators]')) part.hidden = !isModerator;
      reported.update(state);
      updateList('reports', state.moderation.reports);
      const mayLift = mayOrder(state.me, 'unban');
      showBans(bannedPeople(state).map((ban) => ({ ...ban, key: ban.user_id, mayLift })), i18n.version);
      const names = namesSeen(state);
      showAudit(audit.entries.map((entry) => ({ ...entry, whom: names.get(entry.user_id), key: entry.id })), i18n.version);
      updateList('bans', bans);
      updateList('audit', audit);
    },
  };
}
