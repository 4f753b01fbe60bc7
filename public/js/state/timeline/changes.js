// Changes of messages: edits, deletions and reactions. Each has a seq of its own and refers to a message by that message's seq; a
// message knows the newest change that is in it (`changed`), so that no change counts twice.

import { changedMessage } from './changed_message.js';
import { withHole, withMessage } from './timeline.js';

const KINDS = new Set(['edit', 'delete', 'reaction']);

/** An entry of the server's log: a text, or a change of one. */
export function withLogged(timeline, logged) {
  return KINDS.has(logged.type) ? withChange(timeline, logged) : withMessage(timeline, logged);
}

/** An `edit`, `delete` or `reaction` of the server. */
export function withChange(timeline, change) {
  const whole = timeline.hasNewer ? timeline : withHole(timeline, change.seq);
  const changed = { ...whole, head: Math.max(timeline.head, change.seq) };
  const isTarget = ({ kind, seq }) => kind === 'message' && seq === change.ref;
  const at = changed.entries.findLastIndex(isTarget);
  const isOld = at !== -1 && change.seq <= (changed.entries[at].changed ?? 0);
  if (isOld) return changed;
  const entries = changed.entries.map((entry, place) => (place === at ? { ...changedMessage(entry, change), changed: change.seq } : requoted(entry, change)));
  return { ...changed, entries };
}

// A quotation has the text as it is now.
function requoted(entry, { type, ref, content }) {
  if (type === 'reaction' || entry.reply_to?.seq !== ref) return entry;
  const quoted = type === 'delete' ? { seq: ref, deleted: true } : { ...entry.reply_to, content: beginningOf(content) };
  return { ...entry, reply_to: quoted };
}

const QUOTED_CHARS = 140;

/** As much of a text as a reply quotes. */
export function beginningOf(content) {
  return content.length <= QUOTED_CHARS ? content : [...content].slice(0, QUOTED_CHARS).join('');
}
