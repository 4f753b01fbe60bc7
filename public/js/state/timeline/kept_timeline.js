// A room's last messages as they are kept over a visit: {room, epoch, head, messages}.

import { asEntry } from './timeline.js';

const MESSAGES_KEPT = 50;
// A storage holds a few million characters in all.
const CHARACTERS_KEPT = 100_000;

/** Null for a room of which nothing whole can be kept: a reader of its past has not its end. */
export function keptTimeline({ id, timeline: { epoch, head, latest, entries, hasNewer } }) {
  const messages = entries.slice(entries.findLastIndex(({ kind }) => kind === 'gap' || kind === 'reset') + 1)
    .filter(({ kind }) => kind === 'message').slice(-MESSAGES_KEPT).map(asMessage);
  if (epoch === null || hasNewer || messages.at(-1)?.seq !== latest) return null;
  let characters = 0;
  const first = messages.findLastIndex(({ content }) => (characters += content.length) > CHARACTERS_KEPT) + 1;
  return messages.length > first ? { room: id, epoch, head, messages: messages.slice(first) } : null;
}

/** Is this what `keptTimeline` made? */
export function isKeptTimeline(value) {
  const isText = (it) => typeof it === 'string';
  const isMessage = (it) => Number.isInteger(it?.seq) && [it.id, it.user_id, it.username, it.content].every(isText) && !Number.isNaN(Date.parse(it.timestamp));
  return isText(value?.room) && isText(value.epoch) && Number.isInteger(value.head) && Array.isArray(value.messages) &&
    value.messages.length > 0 && value.messages.every(isMessage) && value.messages.at(-1).seq <= value.head;
}

/** An empty timeline with what was kept: a join goes on from there. */
export function withKept(timeline, { epoch, head, messages }) {
  return { ...timeline, epoch, head, latest: messages.at(-1).seq, entries: messages.map(sound).map(asEntry), hasOlder: messages[0].seq > 1 };
}

const asMessage = ({ kind: _kind, key: _key, room_id: _room, type: _type, ...message }) => message;

const isObject = (it) => typeof it === 'object' && it !== null && !Array.isArray(it);
const isReaction = (it) => Number.isInteger(it?.count) && Array.isArray(it.users);
const FIELDS = {
  changed: Number.isInteger,
  deleted: (it) => it === true,
  edited_at: (it) => !Number.isNaN(Date.parse(it)),
  mentions: Array.isArray,
  files: (it) => Array.isArray(it) && it.every((file) => [file?.id, file?.name, file?.type, file?.url].every((text) => typeof text === 'string')),
  reactions: (it) => isObject(it) && Object.values(it).every(isReaction),
  reply_to: (it) => isObject(it) && Number.isInteger(it.seq) && (it.deleted === true || [it.username, it.content].every((text) => typeof text === 'string')),
};

// Storage may hold another version's, or anybody's: a field that does not fit is left out.
function sound({ id, seq, user_id, username, content, timestamp, ...others }) {
  const fitting = Object.entries(FIELDS).filter(([name, isFit]) => isFit(others[name])).map(([name]) => [name, others[name]]);
  return { id, seq, user_id, username, content, timestamp, ...Object.fromEntries(fitting) };
}
