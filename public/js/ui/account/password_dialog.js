// The dialog in which one changes the password of one's account.

import { closeDialog, openDialog } from '../lib/dialogs.js';
import { byId } from '../lib/markup.js';
import { serverForm } from '../lib/server_form.js';

/** Returns `open()` beside the view's `update`. */
export function passwordDialog(page) {
  const { i18n, store, account, chat, tell } = page;
  const dialog = byId('password');
  const form = serverForm(page, { name: 'password', form: byId('password-form'), error: 'password-error',
    fields: { old: 'password-old', password: 'password-new' }, submit });
  dialog.addEventListener('close', () => form.clear());

  async function submit(values) {
    const token = await account.changePassword(values);
    if (token === null) return;
    chat.setToken(token);
    form.clear();
    closeDialog(dialog);
    tell(i18n.text('password_changed'));
  }

  return {
    update: form.update,
    open() {
      // As if nothing had been tried.
      store.dispatch({ type: 'form_edited', form: 'password' });
      byId('password-username').value = store.state.me.username;
      openDialog('password');
      form.focus();
    },
  };
}
