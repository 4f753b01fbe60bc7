// The dialog in which somebody reports a message or a person to moderators.

import { isConversation, isPrivate } from '../../state/rooms/my_rooms.js';
import { closeDialog, openDialog } from '../lib/dialogs.js';
import { byId, setAttribute, setText } from '../lib/markup.js';

/** Returns `{open(person, seq?)}`: with a `seq` it is about that message of the person in the room on screen. */
export function reportDialog({ i18n, store, reports, tell, tellProblem }) {
  const dialog = byId('report');
  const form = byId('report-form');
  const reason = byId('report-reason');
  let asked = null;

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (form.hasAttribute('aria-busy')) return;
    const words = reason.value.trim();
    if (words === '') {
      setText(byId('report-error'), i18n.text('report_needs_reason'));
      return reason.focus();
    }
    setAttribute(form, 'aria-busy', 'true');
    const from = asked;
    const problem = await reports.report(from.room, from.about, words);
    setAttribute(form, 'aria-busy', null);
    // The dialog may be closed by now, or be about something else.
    if (problem) return from === asked ? setText(byId('report-error'), i18n.text(problem.key, problem.slots)) : tellProblem(problem);
    if (from === asked) closeDialog(dialog);
    return tell(i18n.text('did_report'));
  });
  dialog.addEventListener('close', () => { asked = null; });

  return {
    open({ user_id: userId, username: name }, seq = null) {
      const what = seq === null ? 'person' : 'message';
      asked = { room: store.state.active, about: seq === null ? { user_id: userId } : { seq } };
      setText(byId('report-title'), i18n.text(`report_title_${what}`, { name }));
      const hasOwner = isPrivate(asked.room) && !isConversation(asked.room);
      setText(byId('report-lead'), `${i18n.text(`report_lead_${what}`)}${hasOwner ? ` ${i18n.text('report_lead_owner')}` : ''}`);
      setText(byId('report-error'), '');
      reason.value = '';
      openDialog('report');
      reason.focus();
    },
  };
}
