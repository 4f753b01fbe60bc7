// The unread messages of a room, and where its reader left off.

import { mentions } from '../text/mentions.js';

/** A room with a message counted: only what others said after what we had is unread, and it is counted once. */
export function counted(room, message, { timeline, readTo }, { me, ignored, isRead }) {
  if (isRead || message.user_id === me?.userId || ignored.has(message.user_id)) return room;
  if (message.seq <= Math.max(timeline.head, readTo)) return room;
  const dividerSeq = room.unread === 0 ? message.seq - 1 : room.dividerSeq;
  return { ...room, unread: room.unread + 1, mentions: room.mentions + (mentions(message, me) ? 1 : 0), dividerSeq };
}

/** A room whose account has read it up to `seq` on some device, if the server says so. */
export function withCursor(room, seq) {
  return Number.isInteger(seq) && seq > room.readTo ? { ...room, readTo: seq } : room;
}

/** A room at its first join: the texts of its page behind the account's cursor are unread. A room that was never read begins at its end. */
export function unreadSince(room, cursor, texts, { me, ignored, known }) {
  const isUnread = ({ seq, user_id: userId, deleted }) => seq > cursor && userId !== me?.userId && !ignored.has(userId) && !deleted;
  const unread = cursor > 0 ? texts.filter(isUnread) : [];
  if (unread.length === 0) return room;
  // The page may begin above the first of them; the server counts all.
  return { ...room, unread: Math.max(unread.length, known?.unread ?? 0), mentions: unread.filter((it) => mentions(it, me)).length, dividerSeq: cursor };
}

/** A room with the server's count of what is unread behind `cursor`, where that is what the page shows as unread. */
export function withCount(room, cursor, count) {
  return room.unread > 0 && count > room.unread && room.dividerSeq === cursor ? { ...room, unread: count } : room;
}

/** The reader sees the newest message now. */
export function asRead(room) {
  return room.unread === 0 ? room : { ...room, unread: 0, mentions: 0 };
}

/** The messages from `seq` on are unread again, and stay so while the room is on screen. */
export function heldUnread(room, seq, { me, ignored }) {
  const isUnread = (entry) => entry.kind === 'message' && entry.seq >= seq && entry.user_id !== me?.userId && !ignored.has(entry.user_id);
  const { entries, latest, hasNewer } = room.timeline;
  const last = entries.findLast((entry) => entry.kind === 'message')?.seq ?? latest;
  const unread = entries.filter(isUnread).length + (hasNewer ? Math.max(0, latest - last) : 0);
  return { ...room, isHeld: true, unread: Math.max(1, unread), dividerSeq: seq - 1, readTo: Math.min(room.readTo, seq - 1) };
}

export function released(room) {
  return room.isHeld ? { ...asRead(room), isHeld: false } : room;
}

/** The seq of the first unread message if it is above what the timeline holds, else null. */
export function unreadAbove({ dividerSeq, timeline: { entries } }) {
  const first = entries.find(({ kind }) => kind === 'message')?.seq;
  return dividerSeq !== null && first > dividerSeq + 1 ? dividerSeq + 1 : null;
}

/** Another tab has shown the room up to `seq`. */
export function readElsewhere(room, { epoch, seq }) {
  if (epoch !== room.timeline.epoch || seq <= room.readTo) return room;
  const unread = Math.min(room.unread, Math.max(0, room.timeline.latest - seq));
  return { ...room, readTo: seq, unread, mentions: Math.min(room.mentions, unread), dividerSeq: unread === 0 && room.unread > 0 ? null : room.dividerSeq };
}

/** Messages of newly ignored people are not unread any more, as far as the timeline still holds them. */
export function withoutUnreadOf(room, userIds, me) {
  if (room.unread === 0) return room;
  const readTo = room.dividerSeq ?? room.timeline.latest - room.unread;
  const isTheirs = (entry) => entry.kind === 'message' && entry.seq > readTo && userIds.has(entry.user_id);
  const theirs = room.timeline.entries.filter(isTheirs);
  return { ...room, unread: Math.max(0, room.unread - theirs.length), mentions: Math.max(0, room.mentions - theirs.filter((it) => mentions(it, me)).length) };
}

/** A room before one of its messages is deleted: an unread one is to be read no more. */
export function withoutDeleted(room, { ref }, { me, ignored }) {
  if (room.unread === 0) return room;
  const { dividerSeq, readTo, isHeld, timeline: { entries, latest } } = room;
  const isUnread = ({ kind, seq, user_id: userId, deleted }) => kind === 'message' && seq === ref && !deleted && userId !== me?.userId && !ignored.has(userId) &&
    seq > Math.max(readTo, dividerSeq ?? latest - room.unread);
  const message = entries.find(isUnread);
  if (!message) return room;
  const unread = Math.max(isHeld ? 1 : 0, room.unread - 1);
  const left = Math.max(0, room.mentions - (mentions(message, me) ? 1 : 0));
  return { ...room, unread, mentions: Math.min(left, unread), dividerSeq: unread === 0 ? null : dividerSeq };
}

export function withoutDivider(room) {
  return { ...room, dividerSeq: null };
}
