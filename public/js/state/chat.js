// The whole state of the page and the one function that changes it. No page, no socket: an event
// goes in, the next state comes out, and what did not change stays the same object.

import { changedRoom, changedTimeline, read, withRoom } from './changes.js';
import { emptyConnection, withNetwork, withStatus } from './connection.js';
import * as directory from './directory.js';
import { withFrame } from './frames.js';
import * as outbox from './outbox.js';
import * as rooms from './room.js';
import { withNewerPage, withNewestPage, withOlderPage, withPageAround } from './timeline_pages.js';

export function emptyChat() {
  return {
    me: null, // {userId, username, userIds} as the server last said, and our ids of before
    limits: { room_name_chars: 64, username_chars: 32, content_chars: 4000 },
    connection: emptyConnection(),
    rooms: new Map(), // by id, the ones we are in
    active: null, // the id of the room on screen
    directory: directory.emptyDirectory(),
    outbox: [],
    ignored: new Set(), // the ids of people whose messages are neither shown nor counted
    isAttentive: true, // the page is visible and has the focus
    placed: null, // the id of the room whose rows the view has put before the reader's eyes
    serverAheadMs: 0, // the server's clock less ours
    heardAt: null, // when the server last said anything, by our clock
    silentMs: 0, // how long it had said nothing when it welcomed us
    lostMs: 0, // how long the line had been lost then
    build: null, // of the browser client's files on the node that we speak to
    refusedEntry: null, // why the server turned us away; the way in says so
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
    const lostMs = state.connection.lostAt === null ? 0 : now - state.connection.lostAt;
    if (status.phase === 'online') return { ...state, connection, lostMs };
    if (status.phase === 'refused' && status.reason === 'bad_username') return turnedAway({ ...state, connection }, status.reason);
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
  frame: withFrame,
  room_named(state, { room, name }) {
    const known = state.rooms.get(room);
    if (!known) return state;
    const renamed = [...state.rooms].filter(([id]) => id !== name).map(([id, it]) => (id === room ? [name, { ...it, id: name }] : [id, it]));
    const items = state.outbox.map((item) => (item.room === room ? { ...item, room: name } : item));
    return { ...state, rooms: new Map(renamed), outbox: items, active: state.active === room ? name : state.active };
  },

  people_ignored(state, { userIds }) {
    const ignored = new Set(userIds);
    const added = new Set(userIds.filter((id) => !state.ignored.has(id)));
    const told = [...state.rooms.keys()].reduce(
      (next, id) => changedRoom(next, id, (room) => rooms.withoutUnreadOf(room, added)), state);
    return { ...told, ignored };
  },
  room_read_elsewhere: (state, { room, position }) => changedRoom(state, room, (it) => rooms.readElsewhere(it, position)),

  // A visit goes on where the last one ended, and knows how long ago that was.
  history_opened: (state, { savedAt }) => ({ ...state, heardAt: state.heardAt ?? savedAt }),
  room_opened(state, { room, kept }) {
    const closed = state.active === room ? state : changedRoom(state, state.active, rooms.withoutDivider);
    const opened = rooms.withRoomFollowing(state.rooms.get(room) ?? rooms.newRoom(room, kept), true);
    return { ...withRoom(closed, opened), active: room, placed: state.active === room ? state.placed : null, refusedEntry: null };
  },
  room_kept: (state, { room, kept }) => (state.rooms.has(room) ? state : withRoom(state, rooms.newRoom(room, kept))),
  room_left(state, { room }) {
    const others = new Map(state.rooms);
    others.delete(room);
    const active = state.active === room ? ([...others.keys()][0] ?? null) : state.active;
    return { ...state, rooms: others, active };
  },
  following_changed: (state, { room, isFollowing }) =>
    read({ ...changedRoom(state, room, (it) => rooms.withRoomFollowing(it, isFollowing)), placed: room }),
  attention_changed(state, { isAttentive }) {
    if (isAttentive === state.isAttentive) return state;
    const isBack = isAttentive && (activeRoom(state)?.unread ?? 0) > 0 && activeRoom(state).timeline.isFollowing;
    return read({ ...state, isAttentive, placed: isBack ? null : state.placed });
  },
  network_changed: (state, { isNetworkUp, now }) => ({ ...state, now, connection: withNetwork(state.connection, isNetworkUp, now) }),
  ticked(state, { now }) {
    const ticked = [...state.rooms.keys()].reduce(
      (next, id) => changedRoom(next, id, (room) => rooms.withTypingExpired(room, now)), state);
    return { ...ticked, now };
  },

  directory_listed: (state, { page }) => ({ ...state, directory: directory.fromPage(page) }),
  members_listed: (state, { room, page }) =>
    changedRoom(state, room, (it) => rooms.withMembersListed(it, page)),
  page_asked: (state, { room, side }) => changedTimeline(state, room, (it) => ({ ...it, loading: side })),
  page_failed: (state, { room }) => changedTimeline(state, room, (it) => ({ ...it, loading: null })),
  page_listed: (state, { room, side, page }) =>
    read(changedTimeline(state, room, (it) => pages[side](it, page))),

  outbox_restored: (state, { username, items }) => ({ ...state, outbox: outbox.withRestored(state.outbox, username, items) }),
  // Another tab sends it: gone here, but not from storage.
  outbox_ceded: (state, { nonce }) => ({ ...state, outbox: outbox.withoutItem(state.outbox, nonce) }),
  outbox_aged: (state, { serverNow }) => ({ ...state, outbox: outbox.withAgedFailed(state.outbox, serverNow) }),
  message_written(state, { item }) {
    const written = { ...state, outbox: [...state.outbox, item] };
    return changedRoom(written, item.room, (room) => rooms.withoutDivider(rooms.withRoomFollowing(room, true)));
  },
  message_sent: (state, { nonce, now }) =>
    ({ ...state, outbox: outbox.withSending(state.outbox, nonce, state.me.userId, now) }),
  acks_awaited: (state, { now }) => ({ ...state, outbox: outbox.withOverdueQueued(state.outbox, now) }),
  message_retried: (state, { nonce, serverNow }) => ({ ...state, outbox: outbox.withRetry(state.outbox, nonce, serverNow) }),
  message_discarded: (state, { nonce }) => ({ ...state, outbox: outbox.withoutItem(state.outbox, nonce) }),
};

const pages = { older: withOlderPage, newer: withNewerPage, newest: withNewestPage, around: withPageAround };

// Back at the way in, with the reason; what was written waits for a name that is taken.
function turnedAway(state, reason) {
  return { ...state, rooms: new Map(), active: null, placed: null, refusedEntry: reason };
}
