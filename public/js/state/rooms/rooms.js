// The rooms we are in, and which of them the reader sees.

import { isTurnedAway } from '../connection.js';
import { partsOf, withEchoes } from '../outbox/items.js';
import { withAcked, withKey } from '../timeline/timeline.js';
import { withNewerPage, withNewestPage, withOlderPage, withPageAround, withRefreshedPage } from '../timeline/pages.js';
import { changedRoom, changedTimeline, isRead, read, withRoom } from './changes.js';
import * as room from './room.js';
import * as unread from './unread.js';

// A shorter loss of the connection is seen by nobody.
const BLIP_MS = 2_000;
// A server sends something every half minute; a longer silence was a sleep.
const ABSENCE_MS = 60_000;

// Several screens of short messages, within what a timeline may hold.
const ROWS_KEPT = { least: 100, most: 250, screens: 3 };

const PAGES = { older: withOlderPage, newer: withNewerPage, newest: withNewestPage, around: withPageAround };

const EMPTY = {
  // By id, the ones we are in.
  rooms: new Map(),
  // The id of the room on screen.
  active: null,
  // The id of the room whose rows the view has put before the reader's eyes.
  placed: null,
};

export const rooms = {
  initial: {
    ...EMPTY,
    // The page is visible and has the focus.
    isAttentive: true,
    // How many rows somebody at the end of a busy room needs to scroll in.
    rowsKept: ROWS_KEPT.least,
  },
  events: {
    status(state, { status }) {
      if (status.phase === 'online') return state;
      if (isTurnedAway(status)) return { ...state, ...EMPTY };
      return { ...state, rooms: new Map([...state.rooms].map(([id, it]) => [id, { ...it, isJoined: false, typing: [] }])) };
    },
    room_named(state, { room: asked, name }) {
      if (!state.rooms.has(asked)) return state;
      const others = [...state.rooms].filter(([id]) => id !== name);
      const renamed = others.map(([id, it]) => (id === asked ? [name, { ...it, id: name }] : [id, it]));
      return { ...state, rooms: new Map(renamed), active: state.active === asked ? name : state.active };
    },
    room_opened(state, { room: id, kept }) {
      const closed = state.active === id ? state : changedRoom(state, state.active, (it) => (it.isHeld ? it : unread.withoutDivider(it)));
      const opened = { ...room.withRoomFollowing(state.rooms.get(id) ?? room.newRoom(id, kept), true), isHeld: false };
      return { ...withRoom(closed, opened), active: id, placed: state.active === id ? state.placed : null };
    },
    room_kept: (state, { room: id, kept }) => (state.rooms.has(id) ? state : withRoom(state, room.newRoom(id, kept))),
    room_left(state, { room: id }) {
      const others = new Map(state.rooms);
      others.delete(id);
      const active = state.active === id ? ([...others.keys()][0] ?? null) : state.active;
      return { ...state, rooms: others, active };
    },

    following_changed: (state, { room: id, isFollowing }) =>
      read({ ...changedRoom(state, id, (it) => room.withRoomFollowing(it, isFollowing)), placed: id }),
    attention_changed(state, { isAttentive }) {
      if (isAttentive === state.isAttentive) return state;
      const active = state.rooms.get(state.active);
      const isBack = isAttentive && (active?.unread ?? 0) > 0 && active.timeline.isFollowing && !active.isHeld;
      return read({ ...state, isAttentive, placed: isBack ? null : state.placed });
    },
    // `rows` is how many of the lowest rows are on screen at once.
    screen_measured(state, { rows }) {
      const wanted = ROWS_KEPT.screens * rows;
      return { ...state, rowsKept: Math.min(ROWS_KEPT.most, Math.max(ROWS_KEPT.least, wanted)) };
    },
    // The server counts what lies above the first page, too.
    my_rooms_listed: (state, { rooms: listed }) => listed.reduce((next, { id, read_seq: seq, unread: count, read_by: readBy }) =>
      changedRoom(next, id, (it) => room.withOtherRead(unread.withCount(it, seq, count), readBy)), state),
    room_cursor_told: (state, { room: id, seq }) => changedRoom(state, id, (it) => ({ ...it, cursor: Math.max(it.cursor ?? 0, seq) })),
    room_held_unread: (state, { room: id, seq }) => changedRoom(state, id, (it) => unread.heldUnread(it, seq, state)),
    room_read_elsewhere: (state, { room: id, position }) => changedRoom(state, id, (it) => unread.readElsewhere(it, position)),
    people_ignored(state, { userIds }) {
      const added = new Set(userIds.filter((id) => !state.ignored.has(id)));
      return changedRooms(state, (it) => unread.withoutUnreadOf(it, added, state.me));
    },
    ticked: (state, { now }) => changedRooms(state, (it) => room.withTypingExpired(it, now)),

    members_listed: (state, { room: id, page }) => changedRoom(state, id, (it) => room.withMembersListed(it, page)),
    page_asked: (state, { room: id, side, ask }) => changedTimeline(state, id, (it) => ({ ...it, loading: side, ask })),
    page_failed: (state, { room: id, ask }) => changedTimeline(state, id, (it) => (it.ask === ask ? { ...it, loading: null } : it)),
    page_listed: (state, { room: id, side, ask, page }) => read(changedTimeline(state, id, (it) => (it.ask === ask ? PAGES[side](it, page) : it))),
    page_refreshed: (state, { room: id, page }) => changedTimeline(state, id, (it) => withRefreshedPage(it, page)),

    message_written: (state, { item }) =>
      changedRoom(state, item.room, (it) => unread.withoutDivider(room.withRoomFollowing(unread.released(it), true))),
  },
  frames: {
    ack(state, ack) {
      const item = state.outbox.find(({ nonce }) => nonce === ack.nonce);
      if (!item || item.change) return state;
      const message = { id: ack.id, room_id: item.room, epoch: ack.epoch, seq: ack.seq, ...partsOf(item),
        timestamp: ack.timestamp, user_id: state.me.userId, username: state.me.username };
      return changedTimeline(state, item.room, (it) => withAcked(it, message, ack.nonce));
    },
    error(state, { nonce, code, retry_after_ms: retryAfterMs, room_id: id }) {
      if (nonce || code === 'unavailable' || retryAfterMs > 0) return state;
      return changedRoom(state, id, (it) => (it.isJoined ? it : { ...it, refusal: code }));
    },
    // Our own leave is known already; with a reason, others have put us out.
    left: (state, { room_id: id, reason }) => (reason ? changedRoom(state, id, (it) => room.withoutUs(it, reason)) : state),
    joined(state, frame, { now }) {
      const isAfterAbsence = !state.isAttentive || state.silentMs >= ABSENCE_MS || state.lostMs >= BLIP_MS;
      const joined = withRoomFrame(state, frame, now, isAfterAbsence);
      const it = joined.rooms.get(frame.room_id);
      // The reader sees the missed messages from the first one on.
      const isMissed = it?.id === state.active && it.timeline.isFollowing && it.unread > (state.rooms.get(it.id)?.unread ?? 0);
      return withEchoKeys(isMissed ? { ...joined, placed: null } : joined, frame.messages);
    },
    text: (state, message, { now }) => withEchoKeys(withRoomFrame(state, message, now), [message]),
    ...Object.fromEntries(['join', 'leave', 'typing', 'count', 'gap', 'reset', 'edit', 'delete', 'reaction', 'read', 'read_by'].map((type) =>
      [type, (state, frame, { now }) => withRoomFrame(state, frame, now)])),
  },
};

const changedRooms = (state, change) => [...state.rooms.keys()].reduce((next, id) => changedRoom(next, id, change), state);

function withRoomFrame(state, frame, now, isAfterAbsence = false) {
  return changedRoom(state, frame.room_id, (it) =>
    room.withRoomFrame(it, frame, { me: state.me, now, ignored: state.ignored, isAfterAbsence, isRead: isRead(state, it), rowsKept: state.rowsKept, known: state.myRooms.get(it.id) }));
}

// The row takes over the key of the pending one, so that the page does not see it come and go.
function withEchoKeys(state, messages) {
  const echoed = withEchoes(state.outbox, messages, state.me).filter((item) => !state.outbox.includes(item));
  return echoed.reduce((next, item) => changedTimeline(next, item.room, (it) => withKey(it, item.echoId, item.nonce)), state);
}
