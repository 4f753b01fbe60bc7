// The person's own name, and the actions on the account.

import { hasAccount } from '../../state/identity/identity.js';
import { avatar } from '../lib/avatar.js';
import { byId, setText } from '../lib/markup.js';
import { menu } from '../lib/menu.js';

/** `visit` and `password` as createVisit and passwordDialog give them. */
export function accountMenu({ i18n, store, account, hueOf, visit, password }) {
  const button = byId('account-button');
  const box = menu(byId('account-menu'));

  button.addEventListener('click', () => {
    // A page that was loaded again has not asked yet.
    if (store.state.access === null) account.askAccess();
    box.toggle(button);
  });
  byId('account-sign-up').addEventListener('click', () => visit.takeAccount('sign_up'));
  byId('account-sign-in').addEventListener('click', () => visit.takeAccount('sign_in'));
  byId('account-password').addEventListener('click', password.open);
  byId('sign-out').addEventListener('click', visit.signOut);
  byId('leave-chat').addEventListener('click', visit.leave);

  return {
    update({ me, access, active }) {
      if (active === null) return;
      const isAccount = hasAccount(me);
      // Before the server has said who a guest is.
      const username = me?.username ?? i18n.text('you');
      setText(byId('account-name'), username);
      setText(byId('account-role'), i18n.text(`role_${me?.role ?? 'guest'}`));
      avatar(byId('account-avatar'), { username, hue: me ? hueOf(active, me.userId) : 0 });
      byId('account-sign-up').hidden = isAccount || access?.registration !== true;
      byId('account-sign-in').hidden = isAccount || access === null;
      byId('account-password').hidden = !isAccount;
      byId('sign-out').hidden = !isAccount;
      byId('leave-chat').hidden = isAccount;
    },
  };
}
