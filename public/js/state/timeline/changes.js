// Changes of messages: edits, deletions and reactions. Each has a seq of its own and refers to a message by that message's seq; a
// message knows the newest change that is in it (`changed`), so that no change counts twice.

import { withHole, withMessage } from './timeline.js';

// As many people of a reaction are named by the server.
const USERS_NAMED = 20;

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
  const entries = changed.entries.map((entry, place) => (place === at ? { ...changedEntry(entry, change), changed: change.seq } : requoted(entry, change)));
  return { ...changed, entries };
}

/** A message with a change {type, …} in it. */
export function changedEntry(entry, change) {
  if (entry.deleted) return entry;
  if (change.type === 'edit') return edited(entry, change);
  return change.type === 'delete' ? deleted(entry) : { ...entry, reactions: withReaction(entry.reactions ?? {}, change) };
}

// The text of an edit that is read back is empty once the message is deleted.
function edited(entry, { content, timestamp }) {
  return { ...entry, content, edited_at: timestamp };
}

function deleted({ reply_to: _quoted, reactions: _reactions, files: _files, mentions: _mentions, ...entry }) {
  return { ...entry, content: '', deleted: true };
}

/** `{emoji: {count, users}}` after a person has reacted, or (`on` false) taken that back. */
export function withReaction(reactions, { emoji, on, user_id: userId }) {
  const { count = 0, users = [] } = reactions[emoji] ?? {};
  const isThere = users.includes(userId);
  if (on === isThere && (on || count <= users.length)) return reactions;
  const { [emoji]: _, ...others } = reactions;
  if (on) return { ...reactions, [emoji]: { count: count + 1, users: [...users, userId].slice(0, USERS_NAMED) } };
  return count <= 1 ? others : { ...reactions, [emoji]: { count: count - 1, users: users.filter((id) => id !== userId) } };
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
