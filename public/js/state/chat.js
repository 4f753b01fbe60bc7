// The whole state of the page and the one function that changes it. No page, no socket: an event
// goes in, the next state comes out, and what did not change stays the same object.

import { emptyConnection, withStatus } from './connection.js';
import * as outbox from './outbox.js';
import * as rooms from './room.js';
import { withAcked, withKey } from './timeline.js';
import { withNewerPage, withNewestPage, withOlderPage, withPageAround } from './timeline_pages.js';

export function emptyChat() {
  return {
    me: null, // {userId, username, userIds} as the server last said, and our ids of before
    limits: { room_name_chars: 64, username_chars: 32, content_chars: 4000 },
    connection: emptyConnection(),
    rooms: new Map(), // by id, the ones we are in
    active: null, // the id of the room on screen
    directory: { rooms: [], hasMore: false, isKnown: false },
    outbox: [],
    isAttentive: true, // the page is visible and has the focus
    isNetworkUp: true,
    now: 0,
  };
}

/** The next state. `event` is {type, …}; an unknown type changes nothing. */
export function reduce(state, event) {
  return Object.hasOwn(events, event.type) ? events[event.type](state, event) : state;
}

export function activeRoom(state) {
  return state.rooms.get(state.active) ?? null;
}

export function totalUnread(state) {
  return [...state.rooms.values()].reduce((sum, room) => sum + room.unread, 0);
}

const events = {
  status(state, { status, now }) {
    const connection = withStatus(state.connection, status, now);
    if (status.phase === 'online') return { ...state, connection };
    const left = [...state.rooms].map(([id, room]) => [id, { ...room, isJoined: false, typing: [] }]);
    const sent = status.phase === 'refused' ? outbox.blamed(state.outbox, status.reason) : outbox.interrupted(state.outbox);
    return { ...state, connection, rooms: new Map(left), outbox: sent };
  },
  identified(state, { userId, username }) {
    // A server that forgot us gives us another id; what we said before is still ours.
    const former = state.me?.username === username ? state.me.userIds.filter((id) => id !== userId) : [];
    const me = { userId, username, userIds: [userId, ...former] };
    return { ...state, me, outbox: outbox.withStrangersFailed(state.outbox, userId) };
  },
  frame(state, { frame, now }) {
    return Object.hasOwn(frames, frame.type) ? frames[frame.type](state, frame, now) : withRoomFrame(state, frame, now);
  },

  room_opened(state, { room }) {
    const closed = state.active === room ? state : changedRoom(state, state.active, rooms.withoutDivider);
    const opened = rooms.withRoomFollowing(state.rooms.get(room) ?? rooms.emptyRoom(room), true);
    return read({ ...withRoom(closed, opened), active: room });
  },
  room_kept: (state, { room }) => (state.rooms.has(room) ? state : withRoom(state, rooms.emptyRoom(room))),
  room_left(state, { room }) {
    const others = new Map(state.rooms);
    others.delete(room);
    const active = state.active === room ? ([...others.keys()][0] ?? null) : state.active;
    return { ...state, rooms: others, active };
  },
  following_changed: (state, { room, isFollowing }) =>
    read(changedRoom(state, room, (it) => rooms.withRoomFollowing(it, isFollowing))),
  attention_changed: (state, { isAttentive }) => read({ ...state, isAttentive }),
  network_changed: (state, { isNetworkUp }) => ({ ...state, isNetworkUp }),
  ticked(state, { now }) {
    const ticked = [...state.rooms.keys()].reduce(
      (next, id) => changedRoom(next, id, (room) => rooms.withTypingExpired(room, now)), state);
    return { ...ticked, now };
  },

  directory_listed(state, { page, askedAt }) {
    const directory = { rooms: page.data, hasMore: page.next != null, isKnown: true };
    return page.data.reduce((next, { id, client_count: clientCount }) =>
      changedRoom(next, id, (room) => (room.countedAt < askedAt ? { ...room, clientCount } : room)),
    { ...state, directory });
  },
  members_listed: (state, { room, members }) =>
    changedRoom(state, room, (it) => rooms.withMembersListed(it, members)),
  page_asked: (state, { room, side }) => changedTimeline(state, room, (it) => ({ ...it, loading: side })),
  page_failed: (state, { room }) => changedTimeline(state, room, (it) => ({ ...it, loading: null })),
  page_listed: (state, { room, side, page }) =>
    read(changedTimeline(state, room, (it) => pages[side](it, page))),

  outbox_restored: (state, { items }) => ({ ...state, outbox: items.map(outbox.restoredItem) }),
  message_written(state, { item }) {
    const written = { ...state, outbox: [...state.outbox, item] };
    return changedRoom(written, item.room, (room) => rooms.withoutDivider(rooms.withRoomFollowing(room, true)));
  },
  message_sent: (state, { nonce, now }) =>
    ({ ...state, outbox: outbox.withSending(state.outbox, nonce, state.me.userId, now) }),
  acks_awaited: (state, { now }) => ({ ...state, outbox: outbox.withOverdueQueued(state.outbox, now) }),
  message_retried: (state, { nonce }) => ({ ...state, outbox: outbox.withRetry(state.outbox, nonce) }),
  message_discarded: (state, { nonce }) => ({ ...state, outbox: outbox.withoutItem(state.outbox, nonce) }),
};

const pages = { older: withOlderPage, newer: withNewerPage, newest: withNewestPage, around: withPageAround };

const frames = {
  welcome: (state, { limits }) => ({ ...state, limits: { ...state.limits, ...limits } }),
  ack(state, ack) {
    const item = state.outbox.find(({ nonce }) => nonce === ack.nonce);
    if (!item) return state;
    const message = { id: ack.id, room_id: item.room, epoch: ack.epoch, seq: ack.seq, content: item.content,
      timestamp: ack.timestamp, user_id: state.me.userId, username: state.me.username };
    const acked = { ...state, outbox: outbox.withoutItem(state.outbox, ack.nonce) };
    return changedTimeline(acked, item.room, (it) => withAcked(it, message, ack.nonce));
  },
  error(state, error, now) {
    if (error.nonce) return { ...state, outbox: outbox.withRefusal(state.outbox, error, now) };
    if (error.code === 'unavailable' || error.retry_after_ms > 0) return state;
    return changedRoom(state, error.room_id, (room) => (room.isJoined ? room : { ...room, refusal: error.code }));
  },
  joined(state, frame, now) {
    return frame.messages.reduce(withEchoOf, withRoomFrame(state, frame, now));
  },
  text: (state, message, now) => withEchoOf(withRoomFrame(state, message, now), message),
};

function withRoomFrame(state, frame, now) {
  return changedRoom(state, frame.room_id, (room) =>
    rooms.withRoomFrame(room, frame, { me: state.me, now, isRead: isRead(state, room) }));
}

// The row takes over the key of the pending one, so that the page does not see it come and go.
function withEchoOf(state, message) {
  const item = outbox.echoedItem(state.outbox, message, state.me);
  if (!item) return state;
  const echoed = { ...state, outbox: outbox.withEcho(state.outbox, item.nonce, message.id) };
  return changedTimeline(echoed, item.room, (it) => withKey(it, message.id, item.nonce));
}

function isRead(state, room) {
  return state.active === room.id && state.isAttentive && room.timeline.isFollowing;
}

function read(state) {
  return changedRoom(state, state.active, (room) => (isRead(state, room) ? rooms.asRead(room) : room));
}

function changedRoom(state, id, change) {
  const room = state.rooms.get(id);
  if (!room) return state;
  const next = change(room);
  return next === room ? state : withRoom(state, next);
}

function withRoom(state, room) {
  return { ...state, rooms: new Map(state.rooms).set(room.id, room) };
}

function changedTimeline(state, id, change) {
  return changedRoom(state, id, (room) => ({ ...room, timeline: change(room.timeline) }));
}
