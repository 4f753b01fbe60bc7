// Coming in and going: as a guest by name, or with an account.

import { FIRST_ROOM } from '../../../i18n/i18n.js';
import { formNamed } from '../../../state/identity/forms.js';
import { isSetupPage } from '../../page/address.js';

/** `front` is the page in front, `enter(name, room, others, account)` goes in; see entry.js and views.js. */
export function createVisit({ i18n, store, storage, chat, account, drawers, tell, confirm, roomAsked, enter, front }) {
  // Where a guest was who went to get an account.
  let carried = [];

  store.subscribe((state, previous) => {
    if (state.active === null && previous.active !== null) account.askAccess();
  });
  // Another tab has signed in the one who was signed out here: a new password does both.
  addEventListener('storage', ({ key }) => {
    if (!storage.isAccountKey(key) || store.state.refusedEntry !== 'signed_out') return;
    const known = account.known();
    if (known?.userId === store.state.me?.userId) enterAccount(known);
  });

  function enterAccount(known) {
    const rooms = [...carried, ...storage.roomsOf(known.username)];
    carried = [];
    // The page of the setup is no place to come back to.
    if (isSetupPage(location)) history.replaceState(null, '', '.');
    enter(known.username, roomAsked ?? rooms[0] ?? FIRST_ROOM, rooms, known);
  }

  return {
    enterAccount,
    /** A reload goes on where the tab was; a new tab goes by the name of the last one. */
    comeBack() {
      const tab = storage.tab();
      const known = account.known();
      const name = tab?.username ?? storage.signedIn();
      if (isSetupPage(location)) return askFor('setup', '');
      if (!name) return askFor('guest', '');
      const isOfAccount = known?.username === name;
      // Another tab has signed it out.
      if (tab?.hasAccount && !isOfAccount) return askFor('sign_in', name);
      const rooms = [...(tab?.rooms ?? []), ...storage.roomsOf(name)];
      return enter(name, roomAsked ?? rooms[0] ?? FIRST_ROOM, rooms, isOfAccount ? known : null);
    },
    /** A guest goes to get an account, or to sign in with one; rooms and words come along under the same name. */
    takeAccount(form) {
      const { me, active, rooms } = store.state;
      carried = [active, ...rooms.keys()];
      drawers.show(null);
      chat.stepOut();
      front.choose(form, me.username);
    },
    /** A guest leaves. */
    leave: () => afterWarning(() => {
      goOut();
      return null;
    }),
    /** An account is signed out on all devices, or on none. */
    signOut: () => afterWarning(async () => {
      if (!(await account.signOut())) return formNamed(store.state, 'sign_out').problem;
      goOut();
      store.dispatch({ type: 'signed_out' });
      return null;
    }),
  };

  // Unsent messages go with their writer.
  async function afterWarning(leave) {
    const count = chat.countUnsent();
    if (count > 0) return confirm({ title: i18n.text('unsent_title', { count }), lead: i18n.text('unsent_lead'), action: i18n.text('unsent_do') }, leave);
    const problem = await leave();
    return problem && tell(i18n.text(problem.key, problem.slots));
  }

  function goOut() {
    drawers.show(null);
    chat.signOut();
    requestAnimationFrame(front.focus);
  }

  function askFor(form, name) {
    account.askAccess();
    front.choose(form, name);
  }
}
