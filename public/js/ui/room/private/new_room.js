// The dialog that makes a private room. A guest is told that it takes an account.

import { hasAccount } from '../../../state/identity/identity.js';
import { tidied } from '../../../state/text/names.js';
import { closeDialog, openDialog } from '../../lib/dialogs.js';
import { byId, setAttribute, setText } from '../../lib/markup.js';

export function newRoom({ i18n, store, myRooms, openRoom, needsAccount }) {
  const dialog = byId('new-room');
  const form = byId('new-room-form');
  const field = byId('new-room-title-field');
  const error = byId('new-room-error');

  byId('new-room-button').addEventListener('click', () => {
    if (!hasAccount(store.state.me)) return needsAccount();
    field.value = '';
    setText(error, '');
    openDialog('new-room');
    return field.focus();
  });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const title = tidied(field.value).trim();
    if (title === '') return setText(error, i18n.text('title_empty'));
    if (form.hasAttribute('aria-busy')) return undefined;
    setAttribute(form, 'aria-busy', 'true');
    const { problem, room } = await myRooms.create(title);
    setAttribute(form, 'aria-busy', null);
    if (problem) return setText(error, i18n.text(problem.key, problem.slots));
    closeDialog(dialog);
    return openRoom(room);
  });
}
