// Our changes of messages that the room has not shown yet: an edit, a deletion, a reaction. They wait in the outbox as messages do, each with
// `change` {kind: 'edit' | 'delete' | 'reaction', ref, emoji?, on?}; the new text of an edit is the item's content. A deletion is 'held' for a
// moment in which it can be taken back; a change is 'acked' until the room has come to the number of its ack.

import { changedMessage } from '../timeline/changed_message.js';

/** The time to take it back is over. */
export function withReleased(outbox, nonce) {
  return changed(outbox, nonce, (item) => (item.state === 'held' ? { ...item, state: 'queued' } : item));
}

/** After an ack {nonce, seq?} of a room that has come to `head`: a change without a number changed nothing. */
export function withChangeAcked(outbox, { nonce, seq }, head) {
  const isShown = seq === undefined || seq <= head;
  return isShown ? outbox.filter((item) => item.nonce !== nonce) : changed(outbox, nonce, (item) => ({ ...item, state: 'acked', ackedSeq: seq }));
}

/** A room has come to `seq`. */
export function withoutShown(outbox, room, seq) {
  const isShown = (item) => item.state === 'acked' && item.room === room && item.ackedSeq <= seq;
  return outbox.some(isShown) ? outbox.filter((item) => !isShown(item)) : outbox;
}

/** The timeline's entries as they will be with our changes; one that failed is told at its message: {nonce, kind, reason}. */
export function withOwnChanges(entries, outbox, room, me) {
  const ours = outbox.filter((item) => item.change && item.room === room);
  if (ours.length === 0) return entries;
  return entries.map((entry) => ours.filter(({ change }) => entry.kind === 'message' && change.ref === entry.seq).reduce((it, item) => shown(it, item, me), entry));
}

function shown(entry, { nonce, state, reason, content, change: { kind, emoji, on } }, me) {
  if (state === 'failed') return { ...entry, failedChange: `${kind} ${nonce}`, reason };
  const change = { type: kind, content, emoji, on, user_id: me?.userId, timestamp: entry.edited_at ?? entry.timestamp };
  return { ...changedMessage(entry, change), isChanging: true };
}

const changed = (outbox, nonce, change) => outbox.map((item) => (item.nonce === nonce ? change(item) : item));
