// Signing in and out. The token of an account is kept by this page alone, and by the browser in a cookie that no script can
// read: a page that is loaded again connects with the cookie. See docs/client.md.

import { problemOf } from '../../state/identity/problems.js';
import { createAsking } from '../asking.js';

/**
 * `chat.enter` takes what `known` and the ways in answer with: {userId, username, role, token?}.
 *
 * @param {object} parts
 *   store, storage, api
 *   timers   {setTimeout, clearTimeout, now}; `now` goes on evenly
 *   random   () => [0, 1)
 *   clock    () => milliseconds of this computer's clock
 */
export function createAccount({ store, storage, api, timers, random, clock }) {
  // {userId, username, role, token} of this page, or null.
  let own = null;
  // A change of who is signed in that is under way: what the server says meanwhile is of before.
  let change = Promise.resolve();
  // The end and the words of the ban that the server has told of.
  let ban = {};
  const access = createAsking({ timers, random, read: readAccess });

  async function send(form, request) {
    store.dispatch({ type: 'form_sent', form });
    const sent = request();
    change = sent.catch(() => {});
    try {
      const answer = await sent;
      store.dispatch({ type: 'form_accepted', form });
      return answer;
    } catch (error) {
      store.dispatch({ type: 'form_refused', form, problem: problemOf(error, form, timers.now()) });
      return null;
    }
  }

  async function admit(request) {
    const { user_id: userId, username, role, token } = await request();
    return keep({ userId, username, role, token });
  }

  async function keep(known) {
    own = known;
    // Without the cookie the account lasts as long as the page.
    await api.keepSession(known.token).catch((error) => console.warn('the browser does not stay signed in:', error));
    const { userId, username, role } = known;
    storage.keepAccount({ userId, username, role, at: clock() });
    return known;
  }

  async function leave() {
    // A person without a proof is signed out.
    await api.logOut(own?.token).catch((error) => {
      if (!isRefusal(error)) throw error;
    });
    forget(store.state.me.userId);
    // It proves nothing any more.
    await api.endSession().catch(() => {});
    return true;
  }

  function forget(userId) {
    if (own?.userId === userId) own = null;
    const account = storage.account();
    if (account?.userId === userId) storage.signOut(account.username);
  }

  async function readAccess() {
    const told = await api.getAccess();
    storage.keepAccess(told);
    store.dispatch({ type: 'access_told', access: told });
  }

  async function isBelieved(userId, token) {
    try {
      return (await api.getMe(token)).user_id === userId ? 'yes' : 'other';
    } catch (error) {
      if (error.code === 'banned') return withBan(error.details);
      return isRefusal(error) ? 'no' : 'unknown';
    }
  }

  function withBan({ retry_after_ms: retryAfterMs, reason: words }) {
    ban = { retryAfterMs, words };
    return 'banned';
  }

  return {
    /** After the answer 'banned' of `isSignedIn`: {retryAfterMs?, words?}. */
    ban: () => ban,
    /** The account that this browser is signed in with, as far as it knows, or null. */
    known() {
      const account = storage.account();
      return account === null || account.userId === own?.userId ? own : account;
    },
    /** The token that this page has of a user, if any. */
    tokenOf: (userId) => (own?.userId === userId ? own.token : undefined),
    signIn: (values) => send('sign_in', () => admit(() => api.logIn(values))),
    signUp: (values) => send('sign_up', () => admit(() => api.createAccount(values))),
    setUp: (values) => send('setup', () => admit(() => api.setUp(values))),
    /** The new token, or null. All other sessions end. */
    changePassword({ old, password }) {
      const { userId, username, role } = store.state.me;
      return send('password', async () => {
        const { token } = await api.changePassword({ old, new: password }, own?.token);
        await keep({ userId, username, role, token });
        return token;
      });
    },
    /** Ends the sessions of the account everywhere. False if the server was not reached: then nobody is signed out. */
    signOut: () => send('sign_out', leave).then((isDone) => isDone === true),
    /** Whether the browser still proves to be `userId`: 'yes', 'no', 'banned', or 'unknown' while the server can't be reached. */
    async isSignedIn(userId) {
      await change;
      const before = storage.account()?.at;
      // Another tab may have changed the password: then the cookie is newer than this page's token.
      const byCookie = await isBelieved(userId);
      const token = own?.token;
      const byToken = token === undefined ? byCookie : await isBelieved(userId, token);
      // Calls of REST go by the cookie then, too.
      const isRefused = (it) => it !== 'yes' && it !== 'unknown';
      if (byCookie === 'yes' && isRefused(byToken) && own?.token === token) own = null;
      const answer = isRefused(byCookie) ? byToken : byCookie;
      if (!isRefused(answer)) return answer;
      // Signed in by another tab meanwhile: the answer may be about the cookie of before.
      if (storage.account()?.at !== before) return this.isSignedIn(userId);
      // It proves nothing any more, and the server would refuse it with each picture of a guest.
      if (byCookie !== 'other') await api.endSession().catch(() => {});
      return answer === 'other' ? 'no' : answer;
    },
    /** The server has banned that user: the browser does not come back as them. */
    dismiss(userId) {
      if (storage.account()?.userId === userId) api.endSession().catch(() => {});
      forget(userId);
    },
    /** That user is not signed in here any more. */
    forget,
    /** How this server lets people in. Until it answers, what it said the last time holds; on a first visit, the guest's way. */
    async askAccess() {
      if (store.state.access === null && storage.access()) store.dispatch({ type: 'access_told', access: storage.access() });
      await access.ask();
    },
  };
}

const isRefusal = ({ status }) => status === 401 || status === 403;
