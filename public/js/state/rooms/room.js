// One room we are in: its timeline, who is there, who writes, and what is unread.

import { withKept } from '../timeline/kept_timeline.js';
import * as members from './members.js';
import { withChange } from '../timeline/changes.js';
import { withJoined } from '../timeline/joined.js';
import { emptyTimeline, withFollowing, withFewer, withGap, withMessage, withNotice, withReset } from '../timeline/timeline.js';
import { counted, readElsewhere, unreadSince, withCursor, withoutDeleted } from './unread.js';
import { stillTyping, withoutTyping, withTyping } from './typing.js';

/** A room with what was kept of it since the last visit, if anything was. */
export function newRoom(id, kept) {
  const room = emptyRoom(id);
  return kept ? { ...room, timeline: withKept(room.timeline, kept) } : room;
}

export function emptyRoom(id) {
  return {
    id,
    isJoined: false,
    // The code of a refused join; the room stays listed so that the reader sees why.
    refusal: null,
    timeline: emptyTimeline(),
    members: [],
    clientCount: 0,
    // `members` began as the whole list, and notices have kept it so.
    isWhole: false,
    // Since when more people are listed than there are sessions, or null.
    shortSince: null,
    // When the server last listed them because we joined.
    joinedAt: -Infinity,
    // Where the next page of a large room's list begins: undefined before the first was asked for, null behind the last.
    nextMembers: undefined,
    typing: [],
    unread: 0,
    // How many of them mention us.
    mentions: 0,
    // The seq up to which it was read elsewhere: in another tab, or on another device.
    readTo: 0,
    // The server's cursor: up to where the account has read; null where the server keeps none.
    cursor: null,
    // How far the other one of a conversation has read; null where that is not told.
    otherRead: null,
    // Messages above this seq are below the "new" divider; null shows none.
    dividerSeq: null,
    // Its reader has marked it as unread: it stays so until it is opened again.
    isHeld: false,
  };
}

/**
 * A room after one of the server's frames. `context` is {me, now, ignored: ids of people, isRead: the
 * reader sees the bottom, isAfterAbsence, rowsKept: how many rows a reader needs to scroll in}.
 */
export function withRoomFrame(room, frame, context) {
  const change = Object.hasOwn(changes, frame.type) ? changes[frame.type] : null;
  return change ? withListChecked(change(room, frame, context), context) : room;
}

const changes = {
  joined(room, frame, context) {
    // Messages that came while nobody could see them are unread, wherever the reader stands now.
    const seen = { ...context, isRead: context.isRead && !context.isAfterAbsence };
    const texts = frame.messages.filter(isText);
    const { epoch, head } = room.timeline;
    const isFirst = epoch === null;
    const before = frame.epoch === epoch ? withCursor(room, frame.read_seq) : room;
    const read = texts.reduce((told, message) => counted(told, message, before, seen), before);
    // Between the page and what the timeline has, messages are missing: the first of them is the first unread one.
    const isHole = frame.epoch === epoch && !frame.recovered && texts[0]?.seq > head + 1;
    const dividerSeq = isHole && room.unread === 0 && read.unread > 0 ? Math.max(head, room.readTo) : read.dividerSeq;
    return {
      ...(isFirst ? unreadSince(room, frame.read_seq, texts, seen) : { ...read, dividerSeq }),
      cursor: Number.isInteger(frame.read_seq) ? frame.read_seq : room.cursor,
      otherRead: otherRead(frame.epoch === epoch ? room.otherRead : null, frame.read_by),
      isJoined: true,
      refusal: null,
      timeline: withJoined(room.timeline, frame),
      // Another epoch has other numbers.
      readTo: frame.epoch === epoch ? before.readTo : 0,
      members: frame.members ?? [],
      ...countOf(frame),
      isWhole: (frame.members ?? []).length === frame.client_count,
      shortSince: null,
      joinedAt: context.now,
      nextMembers: undefined,
    };
  },
  text(room, message, context) {
    const typing = withoutTyping(room.typing, message.user_id);
    const told = counted(room, message, room, context);
    return watched({ ...told, typing, timeline: withSaid(room.timeline, message, context) }, context);
  },
  join(room, notice) {
    const timeline = withNotice(room.timeline, notice);
    return { ...room, timeline, members: members.withUser(room.members, notice), ...countOf(notice) };
  },
  leave(room, notice) {
    const timeline = withNotice(room.timeline, notice);
    const typing = withoutTyping(room.typing, notice.user_id);
    const left = members.withoutUser(room.members, notice);
    return { ...room, timeline, typing, members: left, ...countOf(notice) };
  },
  typing(room, notice, { me, now }) {
    if (notice.user_id === me?.userId) return room;
    return { ...room, typing: withTyping(room.typing, notice, now) };
  },
  count: (room, frame) => ({ ...room, ...countOf(frame) }),
  ...Object.fromEntries(['edit', 'reaction'].map((type) => [type, (room, frame) => ({ ...room, timeline: withChange(room.timeline, frame) })])),
  delete: (room, frame, context) => ({ ...withoutDeleted(room, frame, context), timeline: withChange(room.timeline, frame) }),
  gap: (room, frame) => ({ ...room, timeline: withGap(room.timeline, frame) }),
  read: (room, { seq }) => readElsewhere({ ...room, cursor: Math.max(room.cursor ?? 0, seq) }, { epoch: room.timeline.epoch, seq }),
  read_by: (room, frame) => withOtherRead(room, frame),
  reset: (room, frame) => ({ ...room, readTo: 0, otherRead: null, cursor: room.cursor === null ? null : 0, timeline: withReset(room.timeline, frame) }),
};

// A live frame may be newer than an answer that was asked for before.
const otherRead = (known, told) => (Number.isInteger(told?.seq) ? Math.max(known ?? 0, told.seq) : null);

/** `told` is {seq} of the other one of a conversation; nothing where it does not share that. */
export function withOtherRead(room, told) {
  const seq = otherRead(room.otherRead, told);
  return seq === room.otherRead ? room : { ...room, otherRead: seq };
}

// A page may hold changes of messages, too.
const isText = ({ type = 'text' }) => type === 'text';

function countOf({ client_count }) {
  return Number.isInteger(client_count) ? { clientCount: client_count } : {};
}

// The server lists so many when one joins. Notices keep the list of a room up to some size only: beyond that the sessions are counted.
const LISTED = 100;
// A person whose connection broke off counts no more at once, and is listed until they have had the time to come back. Then no notice
// tells of it: people who have joined in the meantime get only the count.
const SHORT_MS = 15_000;

const namedIn = ({ members: list }) => new Set(list.map(({ user_id: userId }) => userId)).size;

function withListChecked(room, { now }) {
  if (!room.isWhole) return room;
  const isShort = room.members.length > room.clientCount && namedIn(room) > room.clientCount;
  const shortSince = isShort ? (room.shortSince ?? now) : null;
  const isLacking = room.members.length < room.clientCount && now - room.joinedAt <= SHORT_MS;
  const isWhole = room.clientCount <= LISTED && !(isShort && now - shortSince > SHORT_MS) && !isLacking;
  return isWhole && shortSince === room.shortSince ? room : { ...room, isWhole, shortSince };
}

/** Whether the list of a small room is not whole, though one answer of the server would have it. */
export function isListDue({ isJoined, isWhole, clientCount }) {
  return isJoined && !isWhole && clientCount <= LISTED;
}

// A message that nobody will see is not counted below either.
function withSaid(timeline, message, { ignored }) {
  const said = withMessage(timeline, message);
  return ignored.has(message.user_id) ? { ...said, below: timeline.below } : said;
}

// A busy room that somebody watches is drawn many times a second, so it has no more rows than they need to scroll in.
function watched(room, { isRead, rowsKept }) {
  const isShort = isRead && room.dividerSeq === null;
  return isShort ? { ...room, timeline: withFewer(room.timeline, rowsKept) } : room;
}

/** Others have taken us out of the room; it stays listed so that the reader sees why. */
export function withoutUs(room, reason) {
  return { ...room, isJoined: false, refusal: reason, members: [], typing: [] };
}

const REMOVALS = new Set(['kicked', 'removed']);

/** Whether others have taken us out of it. */
export function isRemoved({ refusal }) {
  return REMOVALS.has(refusal);
}

export function withRoomFollowing(room, isFollowing) {
  return { ...room, timeline: withFollowing(room.timeline, isFollowing) };
}

/** A page of the list, after those of before or (`isFirst`) in their place. */
export function withMembersListed(room, { members: page, isFirst, next }) {
  const known = new Set(isFirst ? [] : room.members.map(({ id }) => id));
  const list = [...(isFirst ? [] : room.members), ...page.filter(({ id }) => id === null || !known.has(id))];
  return { ...room, members: list, nextMembers: next, isWhole: next == null && list.length >= room.clientCount && room.clientCount <= LISTED };
}

/** How many people are in a room, as far as it is known: of a large one the sessions are counted. */
export function peopleIn(room) {
  return room.isWhole ? namedIn(room) : room.clientCount;
}

export function withTypingExpired(room, now) {
  const typing = stillTyping(room.typing, now);
  return typing === room.typing ? room : { ...room, typing };
}
