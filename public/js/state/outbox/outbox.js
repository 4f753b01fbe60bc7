// Our messages that no ack has confirmed yet. How one item changes is in `items.js`.

import { isTurnedAway } from '../connection.js';
import { withChangeAcked, withReleased, withoutShown } from './changes.js';
import {
  failInFlight, failOtherUsers, requeueInFlight, withAgedFailed, withEchoes, withOverdueQueued, withRefusal, withRestored, withRetry, withSending, withoutItem,
} from './items.js';

export const outbox = {
  initial: { outbox: [] },
  events: {
    // After a refused name, or without an account, the items wait for another one.
    status(state, { status }) {
      if (status.phase === 'online') return state;
      const isFailed = status.phase === 'refused' && !isTurnedAway(status);
      return changed(state, isFailed ? failInFlight(state.outbox, status.reason) : requeueInFlight(state.outbox));
    },
    identified: (state, { userId }) => changed(state, failOtherUsers(state.outbox, userId)),
    room_named: (state, { room, name }) =>
      (state.rooms.has(room) ? changed(state, state.outbox.map((item) => (item.room === room ? { ...item, room: name } : item))) : state),

    outbox_restored: (state, { username, items }) => changed(state, withRestored(state.outbox, username, items)),
    // Another tab sends it: gone here, but not from storage.
    outbox_ceded: (state, { nonce }) => changed(state, withoutItem(state.outbox, nonce)),
    outbox_aged: (state, { serverNow }) => changed(state, withAgedFailed(state.outbox, serverNow)),
    change_written: (state, { item }) => changed(state, [...state.outbox, item]),
    change_released: (state, { nonce }) => changed(state, withReleased(state.outbox, nonce)),
    message_written: (state, { item }) => changed(state, [...state.outbox, item]),
    message_sent: (state, { nonce, now }) => changed(state, withSending(state.outbox, nonce, state.me.userId, now)),
    acks_awaited: (state, { now }) => changed(state, withOverdueQueued(state.outbox, now)),
    message_retried: (state, { nonce, serverNow }) => changed(state, withRetry(state.outbox, nonce, serverNow)),
    message_discarded: (state, { nonce }) => changed(state, withoutItem(state.outbox, nonce)),
  },
  frames: {
    ack(state, ack) {
      const item = state.outbox.find(({ nonce }) => nonce === ack.nonce);
      if (!item?.change) return changed(state, withoutItem(state.outbox, ack.nonce));
      return changed(state, withChangeAcked(state.outbox, ack, state.rooms.get(item.room)?.timeline.head ?? Infinity));
    },
    error: (state, error, { now }) => (error.nonce ? changed(state, withRefusal(state.outbox, error, now)) : state),
    // The page has all changes that were acked.
    joined: (state, { room_id: room, messages }) => changed(state, withoutShown(withEchoes(state.outbox, messages, state.me), room, Infinity)),
    text: (state, message) => changed(state, withoutShown(withEchoes(state.outbox, [message], state.me), message.room_id, message.seq)),
    ...Object.fromEntries(['edit', 'delete', 'reaction', 'reset'].map((type) =>
      [type, (state, { room_id: room, seq }) => changed(state, withoutShown(state.outbox, room, type === 'reset' ? Infinity : seq))])),
  },
};

const changed = (state, items) => ({ ...state, outbox: items });
