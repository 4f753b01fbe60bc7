// Puts the messages of the outbox on the wire: in each room one after another, so that their order survives a refusal.

import { ACK_LIMIT_MS, isAged, nextToSend } from '../../state/outbox/items.js';

// A browser's timers know no more than 24 days.
const LONGEST_WAIT_MS = 60 * 60_000;

/** `post(item)` is whether it was sent; see createChat for the rest. */
export function createSending({ store, timers, serverNow, post }) {
  const now = () => timers.now();

  store.subscribe((state, previous) => {
    if (state.outbox !== previous.outbox || state.rooms !== previous.rooms) flush(state);
  });

  // One item a room and call: the store calls again, with the next state.
  function flush(state) {
    if (state.outbox.some((item) => isAged(item, serverNow()))) return store.dispatch({ type: 'outbox_aged', serverNow: serverNow() });
    for (const { id, isJoined } of state.rooms.values()) {
      const item = isJoined ? nextToSend(store.state.outbox, id, now()) : null;
      if (item && post(item)) {
        store.dispatch({ type: 'message_sent', nonce: item.nonce, now: now() });
        timers.setTimeout(() => store.dispatch({ type: 'acks_awaited', now: now() }), ACK_LIMIT_MS);
      }
    }
    return undefined;
  }

  /** The server has refused an item: if only for a while, it is sent again after that, however long it is. */
  function onRefused(nonce) {
    const item = store.state.outbox.find((it) => it.nonce === nonce);
    const waitMs = item?.state === 'queued' ? item.retryAt - now() : 0;
    if (waitMs <= 0) return;
    timers.setTimeout(() => {
      flush(store.state);
      onRefused(nonce);
    }, Math.min(waitMs + 1, LONGEST_WAIT_MS));
  }

  return { onRefused };
}
