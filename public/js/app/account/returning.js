// The server ends a session: "not signed in". Its cookie may be good all the same, as after a new password, which ends all sessions of
// before. If it is not, the way leads to the page in front.

const ENDED = new Set(['not_signed_in', 'signed_out', 'auth_required']);
// Between two tries, so that a server and a page that disagree do not talk without an end.
const PAUSE_MS = 1_000;
const UNREACHED_PAUSE_MS = 5_000;

/**
 * `tell(status)` shows a status of the connection; `isHere(transport)` is whether that one is still in use; `onGone()` is called
 * after the last status, when nobody is signed in.
 */
export function createReturning({ account, timers, tell, isHere, onGone }) {
  let isTried = false;

  function end(status) {
    tell(status);
    onGone();
  }

  async function recover(userId, transport) {
    const answer = await account.isSignedIn(userId);
    if (!isHere(transport)) return;
    if (answer === 'no') return signOut(userId);
    if (answer === 'banned') return ban(userId, { phase: 'refused', reason: 'banned', ...account.ban() });
    isTried = answer === 'yes';
    transport.setToken(account.tokenOf(userId));
    timers.setTimeout(() => isHere(transport) && transport.retryNow(), isTried ? PAUSE_MS : UNREACHED_PAUSE_MS);
    return undefined;
  }

  function signOut(userId) {
    account.forget(userId);
    end({ phase: 'refused', reason: 'signed_out' });
  }

  // The page stays, and says why.
  function ban(userId, status) {
    account.dismiss(userId);
    tell(status);
  }

  return {
    /** Every status of `transport`; `userId` is that of its account, or null for a guest. */
    onStatus(status, { transport, userId }) {
      if (status.phase === 'online') isTried = false;
      if (status.phase === 'refused' && status.reason === 'banned' && userId !== null) return ban(userId, status);
      const isEnded = status.phase === 'refused' && ENDED.has(status.reason);
      if (!isEnded) return tell(status);
      if (userId === null) return end(status);
      if (isTried) return signOut(userId);
      tell({ phase: 'connecting' });
      return recover(userId, transport);
    },
  };
}
