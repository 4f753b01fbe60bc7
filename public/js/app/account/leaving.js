// Going: to come back with an account or under another name, or for good.

/**
 * @param {object} parts
 *   store, storage, keptOutbox
 *   nameOf()       the name that this tab goes by
 *   isOfAccount()  whether that is an account's
 *   release()      sends what could still be taken back
 *   hangUp()       closes the connection
 */
export function createLeaving({ store, storage, keptOutbox, nameOf, isOfAccount, release, hangUp }) {
  /** Close the connection and empty this tab. Drafts and unsent messages are kept for the one who comes back. */
  function stepOut() {
    release();
    hangUp();
    keptOutbox.close();
    for (const room of store.state.rooms.keys()) store.dispatch({ type: 'room_left', room });
  }

  /** Leave, with unsent messages kept under the name: name, token and rooms are kept, too, and no other words. */
  function exit() {
    storage.signOut(nameOf());
    stepOut();
    storage.forgetWords(nameOf());
  }

  return {
    stepOut,
    exit,
    /** How many messages would be lost if this person signed out now. */
    countUnsent() {
      release();
      return keptOutbox.countUnsent(isOfAccount());
    },
    /** Leave for good: name, token and rooms are kept for the next time, and nothing of what was written. */
    signOut() {
      keptOutbox.forget(isOfAccount());
      exit();
    },
  };
}
