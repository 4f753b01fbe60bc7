// Messages and changes that no ack has confirmed yet. In each room one is under way at a time, so their order survives a refusal; each is
// sent again, with its nonce, until it is acked or refused for good.

import { SessionError } from './errors.js';
import {
  ACK_LIMIT_MS, failInFlight, failOtherUsers, newItem, nextToSend, requeueInFlight, withAgedFailed, withOverdueQueued, withRefusal, withSending, withoutItem,
} from './shared/state/outbox/items.js';

/** `post(item)` is whether it was sent. */
export function createOutbox({ timers, clock, rooms, post }) {
  let items = [];
  let userId = null;
  let isClosed = false;
  // By nonce: {promise, resolve, reject, frame: the server's last refusal}.
  const results = new Map();

  function change(next) {
    items = next;
    for (const { nonce, reason } of items.filter(({ state }) => state === 'failed')) reject(nonce, reason);
    flush();
  }

  function flush() {
    for (const room of rooms.names()) {
      const item = rooms.isJoined(room) ? nextToSend(items, room, timers.now()) : null;
      if (item && post(item)) {
        items = withSending(items, item.nonce, userId, timers.now());
        timers.setTimeout(() => change(withOverdueQueued(items, timers.now())), ACK_LIMIT_MS);
      }
    }
  }

  function reject(nonce, code) {
    const result = results.get(nonce);
    items = withoutItem(items, nonce);
    results.delete(nonce);
    result?.reject(new SessionError(code, result.frame?.code === code ? result.frame : null));
  }

  function refuse(isConcerned, code) {
    for (const { nonce } of items.filter(isConcerned)) reject(nonce, code);
  }

  return {
    /** Resolves with the ack. With a nonce that waits already it is the same message. */
    add(fields) {
      const { nonce, room } = fields;
      if (results.has(nonce)) return results.get(nonce).promise;
      if (isClosed || !rooms.has(room)) return Promise.reject(new SessionError(isClosed ? 'closed' : 'not_in_room'));
      const result = { frame: null };
      result.promise = new Promise((resolve, reject) => Object.assign(result, { resolve, reject }));
      results.set(nonce, result);
      change(withAgedFailed([...items, newItem({ username: '', now: clock(), ...fields })], clock()));
      return result.promise;
    },
    flush: () => change(withAgedFailed(items, clock())),
    onAck(ack) {
      const result = results.get(ack.nonce);
      results.delete(ack.nonce);
      change(withoutItem(items, ack.nonce));
      result?.resolve(ack);
    },
    onRefused(frame) {
      const result = results.get(frame.nonce);
      if (!result) return;
      result.frame = frame;
      change(withRefusal(items, frame, timers.now()));
      const item = items.find(({ nonce }) => nonce === frame.nonce);
      if (item) timers.setTimeout(flush, Math.max(0, item.retryAt - timers.now()) + 1);
    },
    onLost: () => change(requeueInFlight(items)),
    /** The server has closed for good: what was under way may be why. The rest waits for nobody, either. */
    onConnectionRefused(reason) {
      change(failInFlight(items, reason));
      refuse(() => true, reason);
    },
    onIdentity(id) {
      userId = id;
      change(failOtherUsers(items, id));
    },
    onRenamed: (asked, given) => change(items.map((item) => (item.room === asked ? { ...item, room: given } : item))),
    onRoomGone: (room, code) => refuse((item) => item.room === room, code),
    close() {
      isClosed = true;
      refuse(() => true, 'closed');
    },
  };
}
