// What the server's frames change in the state.

import { changedRoom, changedTimeline, isRead } from './changes.js';
import { withUnavailable } from './connection.js';
import * as directory from './directory.js';
import * as outbox from './outbox.js';
import * as rooms from './room.js';
import { withAcked, withKey } from './timeline.js';

// A shorter loss of the line is seen by nobody.
const BLIP_MS = 2_000;
// A line says something every half minute; a longer silence was a sleep.
const ABSENCE_MS = 60_000;
// Closer than this two clocks agree.
const CLOCK_SLACK_MS = 1_000;

/** The state after a frame; `now` goes on evenly, `at` is the clock's time. */
export function withFrame(state, { frame, now, at }) {
  const told = Object.hasOwn(frames, frame.type) ? frames[frame.type](state, frame, now, at) : withRoomFrame(state, frame, now);
  return { ...told, heardAt: at };
}

const frames = {
  rooms: (state, frame) => (frame.prefix === undefined ? { ...state, directory: directory.fromFrame(frame) } : state),
  rooms_changed: (state, frame) => ({ ...state, directory: directory.withChanges(state.directory, frame) }),
  welcome: (state, { limits, timestamp, build }, now, at) => withServerTime(
    { ...state, build: build ?? null, limits: { ...state.limits, ...limits }, silentMs: at - (state.heardAt ?? at) }, timestamp, at),
  ack(before, ack, now, at) {
    const dated = ack.duplicate ? before : withServerTime(before, ack.timestamp, at);
    const state = { ...dated, connection: withUnavailable(dated.connection, null) };
    const item = state.outbox.find(({ nonce }) => nonce === ack.nonce);
    if (!item) return state;
    const message = { id: ack.id, room_id: item.room, epoch: ack.epoch, seq: ack.seq, content: item.content,
      timestamp: ack.timestamp, user_id: state.me.userId, username: state.me.username };
    const acked = { ...state, outbox: outbox.withoutItem(state.outbox, ack.nonce) };
    return changedTimeline(acked, item.room, (it) => withAcked(it, message, ack.nonce));
  },
  error(before, error, now) {
    const isUnavailable = error.code === 'unavailable';
    const state = isUnavailable ? { ...before, now, connection: withUnavailable(before.connection, now) } : before;
    if (error.nonce) return { ...state, outbox: outbox.withRefusal(state.outbox, error, now) };
    if (isUnavailable || error.retry_after_ms > 0) return state;
    return changedRoom(state, error.room_id, (room) => (room.isJoined ? room : { ...room, refusal: error.code }));
  },
  joined(before, frame, now) {
    const state = { ...before, connection: withUnavailable(before.connection, null) };
    const isAfterAbsence = !state.isAttentive || state.silentMs >= ABSENCE_MS || state.lostMs >= BLIP_MS;
    const joined = withRoomFrame(state, frame, now, isAfterAbsence);
    const room = joined.rooms.get(frame.room_id);
    // What was missed is put before the reader from its first line on.
    const isMissed = room?.id === state.active && room.timeline.isFollowing && room.unread > (state.rooms.get(room.id)?.unread ?? 0);
    return frame.messages.reduce(withEchoOf, isMissed ? { ...joined, placed: null } : joined);
  },
  text: (state, message, now, at) => withEchoOf(withRoomFrame(withServerTime(state, message.timestamp, at), message, now), message),
};

// The server dates with its own clock, which is everybody's; ours may be off by days.
function withServerTime(state, timestamp, at) {
  const aheadMs = Date.parse(timestamp) - at;
  const isNews = Number.isFinite(aheadMs) && Math.abs(aheadMs - state.serverAheadMs) >= CLOCK_SLACK_MS;
  return isNews ? { ...state, serverAheadMs: aheadMs } : state;
}

function withRoomFrame(state, frame, now, isAfterAbsence = false) {
  return changedRoom(state, frame.room_id, (room) =>
    rooms.withRoomFrame(room, frame, { me: state.me, now, ignored: state.ignored, isAfterAbsence, isRead: isRead(state, room) }));
}

// The row takes over the key of the pending one, so that the page does not see it come and go.
function withEchoOf(state, message) {
  const item = outbox.echoedItem(state.outbox, message, state.me);
  if (!item) return state;
  const echoed = { ...state, outbox: outbox.withEcho(state.outbox, item.nonce, message.id) };
  return changedTimeline(echoed, item.room, (it) => withKey(it, message.id, item.nonce));
}
