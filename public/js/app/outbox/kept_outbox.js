// The outbox in storage. Each unsent message is of one tab, which sends it: the tab that wrote it, or,
// once that is closed, one other that goes by the same name. A tab's lock says that it is there.

const LOCK_PREFIX = 'adda.tab ';
const ADOPTION = 'adda.outbox';

/** `onRestored(items)` is called with messages that this tab has taken over. */
export function createKeptOutbox({ store, storage, tabs, newId, onRestored }) {
  // Of this tab under its name: {id, username, release}, or null before a name is given.
  let owner = null;
  const watched = new Set();

  store.subscribe((state, previous, { type }) => {
    const isKeptAlready = type === 'outbox_restored' || type === 'outbox_ceded';
    if (state.outbox !== previous.outbox && !isKeptAlready) storage.keepOutbox(state.outbox, previous.outbox, owner?.id);
  });

  function adopt() {
    return tabs.exclusively(ADOPTION, (held) => {
      if (owner === null) return;
      const { id, username } = owner;
      const isElsewhere = ({ tab }) => tab !== id && held.has(LOCK_PREFIX + tab);
      const kept = storage.outboxOf(username);
      const known = new Set(store.state.outbox.map(({ nonce }) => nonce));
      const others = kept.filter(isElsewhere);
      const ours = kept.filter((item) => !isElsewhere(item) && !known.has(item.nonce));
      storage.claimItems(ours, id);
      store.dispatch({ type: 'outbox_restored', username, items: ours });
      for (const item of others) lookAfter(item);
      onRestored(ours);
    });
  }

  // Another tab sends it, as long as it is there.
  function lookAfter({ nonce, tab }) {
    store.dispatch({ type: 'outbox_ceded', nonce });
    if (watched.has(tab)) return;
    watched.add(tab);
    tabs.whenReleased(LOCK_PREFIX + tab, () => {
      watched.delete(tab);
      adopt();
    });
  }

  // Another tab of an account is signed out together with this one; another tab of a guest goes on.
  function elsewhere(isOfAccount) {
    if (!isOfAccount || owner === null) return [];
    const own = new Set(store.state.outbox.map(({ nonce }) => nonce));
    return storage.outboxOf(owner.username).map(({ nonce }) => nonce).filter((nonce) => !own.has(nonce));
  }

  function close() {
    owner?.release();
    owner = null;
  }

  return {
    /** From now on what is written is of this tab, as `username`. */
    open(username) {
      close();
      const id = newId();
      owner = { id, username, release: tabs.hold(LOCK_PREFIX + id) };
      adopt();
    },
    close,
    /** How many messages and changes have not been sent: by this tab, or, of an account, by any tab of this browser. */
    countUnsent(isOfAccount) {
      const isOnline = store.state.connection.phase === 'online';
      const isUnsent = ({ state }) => state !== 'acked' && !(isOnline && state === 'sending');
      const own = store.state.outbox.filter(isUnsent).map(({ nonce }) => nonce);
      return new Set([...own, ...elsewhere(isOfAccount)]).size;
    },
    /** They are gone, from storage too: the next person at this computer must not find them. */
    forget(isOfAccount) {
      for (const nonce of [...store.state.outbox.map((item) => item.nonce), ...elsewhere(isOfAccount)]) {
        store.dispatch({ type: 'message_discarded', nonce });
        storage.forgetItem(nonce);
      }
    },
    /** The page goes away, perhaps to come back: another tab may send what waits here. */
    suspend: () => owner?.release(),
    resume() {
      if (owner === null) return;
      owner.release = tabs.hold(LOCK_PREFIX + owner.id);
      adopt();
    },
    /** Another tab has changed the storage: an item that it sent or discarded leaves this tab's outbox, too. */
    onStorageChanged(key, value) {
      const nonce = storage.nonceOf(key);
      if (nonce === null) return;
      if (value === null) store.dispatch({ type: 'message_discarded', nonce });
      if (owner === null) return;
      const item = storage.outboxOf(owner.username).find((it) => it.nonce === nonce);
      if (item?.tab !== undefined && item.tab !== owner.id) lookAfter(item);
    },
  };
}
