// A room's last messages as they are kept over a visit: {room, epoch, head, messages}.

import { asEntry } from './timeline.js';

const MESSAGES_KEPT = 50;
// A storage holds a few million characters in all.
const CHARACTERS_KEPT = 100_000;

/** Null for a room of which nothing whole can be kept: a reader of its past has not its end. */
export function keptTimeline({ id, timeline: { epoch, head, entries, hasNewer } }) {
  const messages = entries.slice(entries.findLastIndex(({ kind }) => kind === 'gap' || kind === 'reset') + 1)
    .filter(({ kind }) => kind === 'message').slice(-MESSAGES_KEPT).map(asMessage);
  if (epoch === null || hasNewer || messages.at(-1)?.seq !== head) return null;
  let characters = 0;
  const first = messages.findLastIndex(({ content }) => (characters += content.length) > CHARACTERS_KEPT) + 1;
  return messages.length > first ? { room: id, epoch, head, messages: messages.slice(first) } : null;
}

/** Is this what `keptTimeline` made? */
export function isKeptTimeline(value) {
  const isText = (it) => typeof it === 'string';
  const isMessage = (it) => Number.isInteger(it?.seq) && [it.id, it.user_id, it.username, it.content].every(isText) && !Number.isNaN(Date.parse(it.timestamp));
  return isText(value?.room) && isText(value.epoch) && Number.isInteger(value.head) && Array.isArray(value.messages) &&
    value.messages.length > 0 && value.messages.every(isMessage) && value.messages.at(-1).seq === value.head;
}

/** An empty timeline with what was kept: a join goes on from there. */
export function withKept(timeline, { epoch, head, messages }) {
  return { ...timeline, epoch, head, entries: messages.map(asEntry), hasOlder: messages[0].seq > 1 };
}

const asMessage = ({ id, seq, user_id, username, content, timestamp }) => ({ id, seq, user_id, username, content, timestamp });
