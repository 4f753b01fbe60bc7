// A session with adda that survives its connections.

import { SessionError } from './errors.js';
import { createEvents } from './events.js';
import { createOutbox } from './outbox.js';
import { createRooms } from './rooms.js';
import { newNonce } from './shared/app/nonce.js';
import { Refusal, createApi, detailsOf } from './shared/net/api.js';
import { createTransport } from './shared/net/transport.js';

const systemTimers = {
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (timer) => clearTimeout(timer),
  // Goes on evenly, whatever is done to the clock.
  now: () => performance.now(),
};

/** README.md describes the options, the calls and the events. */
export function connect({ url, username = 'Anonymous', token, userId, WebSocket = globalThis.WebSocket, fetch = globalThis.fetch,
  timers = systemTimers, clock = () => Date.now(), random = Math.random }) {
  if (!WebSocket) throw new TypeError('This platform has no WebSocket: hand one in');
  const address = String(url).replace(/^http/, 'ws');
  const { on, emit } = createEvents();
  const rooms = createRooms({ emit });
  const outbox = createOutbox({ timers, clock, rooms, post: (item) => transport.post(item) });
  let me = { token };

  const transport = createTransport({
    url: address, WebSocket, timers, random,
    identity: { username, token, userId },
    positionOf: rooms.positionOf,
    onIdentity(identity) {
      me = identity;
      outbox.onIdentity(identity.userId);
      emit('identity', identity);
    },
    onRoomNamed(asked, given) {
      rooms.rename(asked, given);
      outbox.onRenamed(asked, given);
    },
    onFrame: (frame) => (Object.hasOwn(handlers, frame.type) ? handlers[frame.type](frame) : emit('frame', frame)),
    onStatus,
  });

  function onStatus(status) {
    if (status.phase === 'refused') {
      const error = new SessionError(status.reason);
      rooms.refuse(error);
      outbox.onConnectionRefused(status.reason);
    }
    if (status.phase !== 'online') {
      rooms.onLost();
      outbox.onLost();
    }
    emit('status', status);
  }

  function onError(frame) {
    const { nonce, room_id: room, code } = frame;
    if (nonce) return outbox.onRefused(frame);
    const isPassing = code === 'unavailable' || frame.retry_after_ms > 0;
    if (rooms.has(room) && !rooms.isJoined(room) && !isPassing) {
      rooms.drop(room, new SessionError(code, frame));
      outbox.onRoomGone(room, code);
      emit('left', { type: 'left', room_id: room, reason: code });
    }
    return emit('error', frame);
  }

  const handlers = {
    joined(frame) {
      if (!rooms.has(frame.room_id)) return;
      rooms.onJoined(frame);
      outbox.flush();
    },
    text: rooms.onLogged, edit: rooms.onLogged, delete: rooms.onLogged, reaction: rooms.onLogged,
    gap: rooms.onGap,
    reset: rooms.onReset,
    ack: outbox.onAck,
    error: onError,
    left(frame) {
      if (!frame.reason) return;
      rooms.drop(frame.room_id, new SessionError(frame.reason));
      outbox.onRoomGone(frame.room_id, frame.reason);
      emit('left', frame);
    },
    pong() {},
  };

  const change = (room, nonce, ref, kind, fields = {}) =>
    outbox.add({ room, nonce: nonce ?? newNonce(), content: fields.content ?? '', change: { kind, ref, ...fields } });

  const rest = { fetch: (...request) => fetch(...request), base: address.replace(/^ws/, 'http').replace(/[?#].*/s, '').replace(/ws$/, '') };

  transport.connect();
  return {
    on,
    join(room, { since = null } = {}) {
      const joined = rooms.joined(room, since);
      transport.join(room);
      return joined;
    },
    leave(room) {
      transport.leave(room);
      rooms.drop(room, new SessionError('left'));
      outbox.onRoomGone(room, 'left');
    },
    send: (room, content, { nonce, replyTo, mentions = [], files = [] } = {}) =>
      outbox.add({ room, nonce: nonce ?? newNonce(), content, mentions, reply: replyTo === undefined ? null : { seq: replyTo }, files: files.map((id) => ({ id })) }),
    upload: (room, file, options) => upload({ ...rest, token: me.token }, room, file, options),
    edit: (room, seq, content, { nonce } = {}) => change(room, nonce, seq, 'edit', { content }),
    delete: (room, seq, { nonce } = {}) => change(room, nonce, seq, 'delete'),
    react: (room, seq, emoji, isOn = true, { nonce } = {}) => change(room, nonce, seq, 'reaction', { emoji, on: isOn }),
    typing: (room) => transport.typing(room),
    read: (room, seq) => transport.read(room, seq),
    seen: (id) => transport.seen(id),
    watchRooms: (isOn = true) => transport.watchRooms(isOn),
    positionOf(room) {
      const position = rooms.positionOf(room);
      return position && { ...position };
    },
    get identity() {
      return me.userId === undefined ? null : { ...me };
    },
    get token() {
      return me.token;
    },
    api: createApi(rest),
    wake: transport.wake,
    retryNow: transport.retryNow,
    close() {
      transport.close();
      rooms.refuse(new SessionError('closed'));
      outbox.close();
    },
  };
}

/** `file` is a Blob, or a File with a name of its own. Resolves to the server's answer or rejects as the calls of createApi. */
async function upload({ fetch, base, token }, room, file, { name = file.name ?? 'file', signal } = {}) {
  const path = `api/rooms/${encodeURIComponent(room)}/files`;
  const body = new FormData();
  body.append('file', file, name);
  const headers = { accept: 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) };
  const response = await fetch(`${base}${path}`, { method: 'POST', headers, body, signal });
  if (!response.ok) throw new Refusal(path, response.status, await detailsOf(response));
  return response.json();
}
