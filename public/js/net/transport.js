// A full session (subprotocol adda.v1) that survives its sockets: it authenticates and rejoins its rooms at the
// position that it had in each. Needs no page; everything is handed in.

import { frameOf } from './frames.js';
import { createJoins } from './joins.js';
import { createSocket } from './socket.js';

const SUBPROTOCOL = 'adda.v1';
// How many messages of history a first join asks for: one screen and a bit.
const HISTORY_MESSAGES = 50;
const JOIN_RETRY_MS = 1_000;

/**
 * @param {object} parts
 *   url         of /ws, without a query
 *   WebSocket   the constructor
 *   timers      {setTimeout, clearTimeout, now}
 *   random      () => [0, 1)
 *   identity    {username, token?, userId?}: who to be; a token wins over the name. With a userId it is that user or nobody;
 *               the browser's cookie names the user too
 *   positionOf  (room) => {epoch, seq} | null: what the caller has of a room
 *   onIdentity  ({userId, username, role, token}) each time the server says who we are
 *   onRoomNamed (asked, name) the server calls the room that was asked for by another name
 *   onFrame     (frame) every other frame, in order
 *   onStatus    (status) see createSocket
 */
export function createTransport(parts) {
  const { timers, positionOf, onIdentity, onFrame, onStatus } = parts;
  let identity = parts.identity;
  let isOnline = false;
  // The last welcome: who we stay when our token is refused.
  let welcomed = null;
  // Of the error that came before a final close: a close code says less.
  let refusal = null;
  let isWatchingRooms = false;
  // Rooms we want to be in: 'wanted' (not asked on this socket), 'joining' or 'joined'.
  const rooms = new Map();
  const joins = createJoins();

  const socket = createSocket({
    open: () => new parts.WebSocket(addressFor(parts.url, identity.username), [SUBPROTOCOL]),
    timers,
    random: parts.random,
    onFrame: dispatch,
    onStatus(status) {
      isOnline = status.phase === 'online';
      if (!isOnline) for (const room of rooms.keys()) rooms.set(room, 'wanted');
      if (!isOnline) joins.clear();
      onStatus(status.phase === 'refused' && refusal ? { ...status, ...refusal } : status);
      refusal = null;
    },
  });

  const handlers = {
    welcome(frame) {
      if (frame.heartbeat_s > 0) socket.setHeartbeatInterval(frame.heartbeat_s * 1000);
      onFrame(frame);
      welcomed = frame;
      // The token goes first: before it the server takes us for a new guest.
      if (identity.token) socket.send({ type: 'auth', token: identity.token });
      else begin(welcomed);
    },
    auth_success: (frame) => begin(frame),
    joined(frame) {
      const join = answeredBy(frame.room_id);
      // Of a room that was left meanwhile: the answer to the leave follows.
      if (join?.isLeft) return;
      if (join && join.room !== frame.room_id) rename(join.room, frame.room_id);
      if (join || rooms.has(frame.room_id)) rooms.set(frame.room_id, 'joined');
      onFrame(frame);
    },
    // With a reason, others have put us out: coming back is for the person to decide.
    left(frame) {
      if (frame.reason) rooms.delete(frame.room_id);
      onFrame(frame);
    },
    error(frame) {
      if (frame.code === 'bad_token' && !isOnline) return beginWithoutToken();
      // An account has the name of this guest now.
      if (frame.code === 'username_taken') return socket.refuse('username_taken');
      if (!isOnline || isFinal(frame)) refusal = refusalOf(frame);
      if (frame.nonce || frame.room_id === undefined) return onFrame(frame);
      // Answers a leave, whose room may be asked for again by now.
      if (frame.code === 'not_in_room') return rooms.get(frame.room_id) === 'joining' ? undefined : onFrame(frame);
      const join = joins.take(frame.room_id);
      if (join?.isLeft) return undefined;
      if (join) joinRefused(frame);
      return onFrame(frame);
    },
  };

  function dispatch(frame) {
    const handler = Object.hasOwn(handlers, frame.type) ? handlers[frame.type] : onFrame;
    handler(frame);
  }

  function beginWithoutToken() {
    identity = { ...identity, token: undefined };
    begin(welcomed);
  }

  function begin(frame) {
    if (frame.auth_required) return socket.refuse('auth_required');
    const { user_id: userId, username, role = 'guest', token } = frame;
    if (identity.userId !== undefined && identity.userId !== userId) return socket.refuse('signed_out');
    identity = { ...identity, username, token: token ?? identity.token };
    onIdentity({ userId, username, role, token: identity.token });
    socket.markOpen();
    if (isWatchingRooms) askToWatch();
    for (const room of rooms.keys()) ask(room);
    return undefined;
  }

  const askToWatch = () => socket.send({ type: 'rooms', watch: isWatchingRooms });

  function ask(room) {
    if (!isOnline || rooms.get(room) !== 'wanted') return;
    rooms.set(room, 'joining');
    joins.add(room);
    const since = positionOf(room);
    const extent = since ? { since } : {};
    socket.send({ type: 'join', room_id: room, ...extent, history: HISTORY_MESSAGES });
  }

  function answeredBy(name) {
    const isWaiting = rooms.has(name) && rooms.get(name) !== 'joined';
    return joins.take(name) ?? (isWaiting ? undefined : joins.takeFirst());
  }

  function rename(room, name) {
    rooms.delete(room);
    parts.onRoomNamed(room, name);
  }

  function joinRefused({ code, room_id, retry_after_ms }) {
    const isPassing = code === 'unavailable' || retry_after_ms > 0;
    if (!isPassing) return rooms.delete(room_id);
    rooms.set(room_id, 'wanted');
    timers.setTimeout(() => ask(room_id), retry_after_ms || JOIN_RETRY_MS);
  }

  return {
    connect: socket.connect,
    close: socket.close,
    retryNow: socket.retryNow,
    wake: socket.wake,
    hurry: socket.hurry,
    probe: socket.probe,
    suspend: socket.suspend,
    /** The token is another one from the next connection on; without one the browser's cookie must do. */
    setToken(token) {
      identity = { ...identity, token };
    },
    join(room) {
      if (!rooms.has(room)) rooms.set(room, 'wanted');
      ask(room);
    },
    leave(room) {
      joins.leave(room);
      if (rooms.delete(room) && isOnline) socket.send({ type: 'leave', room_id: room });
    },
    /** Whether the server shall tell which rooms are occupied. */
    watchRooms(isOn) {
      if (isOn === isWatchingRooms) return;
      isWatchingRooms = isOn;
      if (isOnline) askToWatch();
    },
    /** False when the room cannot be spoken to right now; nothing was sent then. */
    post(item) {
      if (rooms.get(item.room) !== 'joined') return false;
      socket.send(frameOf(item));
      return true;
    },
    read(room, seq) {
      if (rooms.get(room) === 'joined') socket.send({ type: 'read', room_id: room, seq });
    },
    seen: (id) => socket.send({ type: 'seen', id }),
    typing(room) {
      if (rooms.get(room) === 'joined') socket.send({ type: 'typing', room_id: room });
    },
  };
}

// A session that is banned is told so, and closed.
const isFinal = ({ code }) => code === 'banned';

function refusalOf({ code, reason: words, retry_after_ms: retryAfterMs }) {
  return { reason: code === 'forbidden' ? 'banned' : code, ...(retryAfterMs > 0 ? { retryAfterMs } : {}), ...(words ? { words } : {}) };
}

function addressFor(url, username) {
  return `${url}?username=${encodeURIComponent(username)}`;
}
