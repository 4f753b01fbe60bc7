// A question before something that can't be taken back.

import { closeDialog, openDialog } from '../lib/dialogs.js';
import { byId, setText } from '../lib/markup.js';

/** Returns `confirm({title, lead, action}, run)`; `run()` is called if the person means it, and answers null, or the problem as {key, slots}. */
export function confirmDialog({ i18n }) {
  const dialog = byId('confirm');
  let asked = null;
  byId('confirm-form').addEventListener('submit', async (event) => {
    event.preventDefault();
    const { run } = asked;
    const problem = await run();
    if (problem) return setText(byId('confirm-error'), i18n.text(problem.key, problem.slots));
    return closeDialog(dialog);
  });

  return function confirm({ title, lead, action }, run) {
    asked = { run };
    setText(byId('confirm-title'), title);
    setText(byId('confirm-lead'), lead);
    setText(byId('confirm-do'), action);
    setText(byId('confirm-error'), '');
    openDialog('confirm');
    byId('confirm-cancel').focus();
  };
}
