// One WebSocket after another: opens it, notices that it is dead, waits, opens the next. It knows sockets and close
// codes; the frames are the transport's.

import { backoff, longBackoff } from './backoff.js';
import { BACK_SOON, closePolicy } from './close_codes.js';
import { createHeartbeat } from './heartbeat.js';

// From opening to `markOpen()`: a proxy that accepts and then sends nothing is no connection.
const OPENING_LIMIT_MS = 10_000;
// A connection that held this long was a good one: the next loss starts from the shortest delay again.
const HEALTHY_AFTER_MS = 60_000;

/**
 * `open()` returns a new WebSocket-like object. `onFrame(frame)` gets parsed JSON objects,
 * `onStatus(status)` one of
 *   {phase: 'connecting'} {phase: 'online'} {phase: 'waiting', reason, retryAt}
 *   {phase: 'refused', reason} {phase: 'closed'}
 */
export function createSocket({ open, timers, random, onFrame, onStatus }) {
  let socket = null;
  let phase = 'closed';
  let tries = 0;
  let openedAt = null;
  let lostAt = null;
  let timer = null;
  const heartbeat = createHeartbeat({
    timers,
    ping: () => send({ type: 'ping' }),
    onDead: () => onLost(closePolicy(null)),
  });

  function setStatus(status) {
    phase = status.phase;
    onStatus(status);
  }

  function connect() {
    timers.clearTimeout(timer);
    setStatus({ phase: 'connecting' });
    const opened = open();
    socket = opened;
    // A socket that was given up may still get messages while it closes: only the current one counts.
    opened.onmessage = (event) => opened === socket && onMessage(event.data);
    opened.onclose = (event) => opened === socket && onLost(closePolicy(event.code));
    timer = timers.setTimeout(() => onLost(closePolicy(null)), OPENING_LIMIT_MS);
  }

  function onMessage(data) {
    heartbeat.onFrame();
    const frame = parse(data);
    if (frame) onFrame(frame);
  }

  function onLost({ back, reason }) {
    drop(BACK_SOON);
    if (openedAt !== null && timers.now() - openedAt >= HEALTHY_AFTER_MS) tries = 0;
    openedAt = null;
    if (back === 'never') return setStatus({ phase: 'refused', reason });
    lostAt ??= timers.now();
    const delayMs = back === 'later' ? longBackoff(random) : backoff(tries, random, timers.now() - lostAt);
    tries += 1;
    timer = timers.setTimeout(connect, delayMs);
    setStatus({ phase: 'waiting', reason, retryAt: timers.now() + delayMs });
  }

  // Without a code it is a normal closure.
  function drop(code) {
    timers.clearTimeout(timer);
    heartbeat.stop();
    const dropped = socket;
    socket = null;
    dropped?.close(code);
  }

  function send(frame) {
    if (socket?.readyState === 1) socket.send(JSON.stringify(frame));
  }

  return {
    connect,
    send,
    /** The session has begun: this socket is in use. */
    markOpen() {
      timers.clearTimeout(timer);
      openedAt = timers.now();
      lostAt = null;
      setStatus({ phase: 'online' });
    },
    setHeartbeatInterval: heartbeat.setIntervalMs,
    /** The server takes us for somebody else. */
    refuse(reason) {
      drop();
      openedAt = null;
      setStatus({ phase: 'refused', reason });
    },
    /** A person asks for it, so a refusal is asked again too. */
    retryNow() {
      if (phase === 'waiting' || phase === 'refused') connect();
    },
    /** The network is back or the page was woken: do not wait, and do not trust an old socket. */
    wake() {
      if (phase === 'waiting') connect();
      else if (phase === 'online') heartbeat.probe();
    },
    /** Somebody is here and wants something: do not wait. */
    hurry() {
      if (phase === 'waiting') connect();
    },
    /** Ask the server whether the socket is alive. */
    probe() {
      if (phase === 'online') heartbeat.probe();
    },
    /** For a while: the server waits for us, and `connect` comes back. */
    suspend() {
      drop(BACK_SOON);
      openedAt = null;
      setStatus({ phase: 'closed' });
    },
    close() {
      drop();
      tries = 0;
      openedAt = null;
      lostAt = null;
      setStatus({ phase: 'closed' });
    },
  };
}

function parse(data) {
  try {
    const frame = JSON.parse(data);
    return typeof frame?.type === 'string' ? frame : null;
  } catch {
    return null;
  }
}
