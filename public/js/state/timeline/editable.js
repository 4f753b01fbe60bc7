// Which messages somebody may change, as far as the page can tell; the server has the last word.

import { isModerator } from '../identity/identity.js';

/** Whether the server takes changes of messages at all: one of a version before says nothing of them. */
export function takesChanges({ limits }) {
  return limits.messages_editable_s !== undefined;
}

const isThere = ({ kind, seq, deleted }) => kind === 'message' && Number.isFinite(seq) && !deleted;

/** `serverNow` in milliseconds of the server's clock. */
export function mayEdit(state, entry, serverNow) {
  if (!takesChanges(state) || !isThere(entry) || !state.me?.userIds.includes(entry.user_id)) return false;
  return serverNow - Date.parse(entry.timestamp) < state.limits.messages_editable_s * 1_000;
}

export function mayDelete(state, entry, serverNow, isOwner = false) {
  return mayEdit(state, entry, serverNow) || (takesChanges(state) && isThere(entry) && (isModerator(state.me) || isOwner));
}

export function mayReact(state, entry) {
  return takesChanges(state) && isThere(entry);
}

/** Our last message in a room that we may edit, or undefined. */
export function lastEditable(state, room, serverNow) {
  return room.timeline.entries.findLast((entry) => mayEdit(state, entry, serverNow));
}
