// One WebSocket after another: opens, notices death, waits, opens again. It knows lines and close
// codes; what is said over the line is the transport's business.

import { backoff, longBackoff } from './backoff.js';
import { BACK_SOON, verdictOf } from './close_codes.js';
import { createHeartbeat } from './heartbeat.js';

// From opening to `settle()`: a proxy that accepts and then says nothing is no connection.
const OPENING_LIMIT_MS = 10_000;
// A line that held this long was a good one: the next loss starts from the shortest delay again.
const HEALTHY_AFTER_MS = 60_000;

/**
 * `open()` returns a new WebSocket-like object. `onFrame(frame)` gets parsed JSON objects,
 * `onStatus(status)` one of
 *   {phase: 'connecting'} {phase: 'online'} {phase: 'waiting', reason, retryAt}
 *   {phase: 'refused', reason} {phase: 'closed'}
 */
export function createSocket({ open, timers, random, onFrame, onStatus }) {
  let line = null;
  let phase = 'closed';
  let tries = 0;
  let settledAt = null;
  let lostAt = null;
  let timer = null;
  const heartbeat = createHeartbeat({
    timers,
    ping: () => send({ type: 'ping' }),
    die: () => lose(verdictOf(null)),
  });

  function enter(status) {
    phase = status.phase;
    onStatus(status);
  }

  function connect() {
    timers.clearTimeout(timer);
    enter({ phase: 'connecting' });
    const opened = open();
    line = opened;
    // A line that was given up may still speak while it closes: only the current one is heard.
    opened.onmessage = (event) => opened === line && hear(event.data);
    opened.onclose = (event) => opened === line && lose(verdictOf(event.code));
    timer = timers.setTimeout(() => lose(verdictOf(null)), OPENING_LIMIT_MS);
  }

  function hear(data) {
    heartbeat.heard();
    const frame = parse(data);
    if (frame) onFrame(frame);
  }

  function lose({ back, reason }) {
    drop(BACK_SOON);
    if (settledAt !== null && timers.now() - settledAt >= HEALTHY_AFTER_MS) tries = 0;
    settledAt = null;
    if (back === 'never') return enter({ phase: 'refused', reason });
    lostAt ??= timers.now();
    const delayMs = back === 'later' ? longBackoff(random) : backoff(tries, random, timers.now() - lostAt);
    tries += 1;
    timer = timers.setTimeout(connect, delayMs);
    enter({ phase: 'waiting', reason, retryAt: timers.now() + delayMs });
  }

  // Without a code it is a goodbye.
  function drop(code) {
    timers.clearTimeout(timer);
    heartbeat.stop();
    const dropped = line;
    line = null;
    dropped?.close(code);
  }

  function send(frame) {
    if (line?.readyState === 1) line.send(JSON.stringify(frame));
  }

  return {
    connect,
    send,
    /** The greeting is over: this line is in use. */
    settle() {
      timers.clearTimeout(timer);
      settledAt = timers.now();
      lostAt = null;
      enter({ phase: 'online' });
    },
    followBeat: heartbeat.follow,
    /** A person asks for it, so a refusal is asked again too. */
    retryNow() {
      if (phase === 'waiting' || phase === 'refused') connect();
    },
    /** The network is back or the page was woken: do not wait, and do not trust an old line. */
    wake() {
      if (phase === 'waiting') connect();
      else if (phase === 'online') heartbeat.probe();
    },
    /** Somebody is here and wants something: do not wait. */
    hurry() {
      if (phase === 'waiting') connect();
    },
    /** Is the line alive? Asked when there is reason to doubt it. */
    probe() {
      if (phase === 'online') heartbeat.probe();
    },
    /** For a while: the server waits for us, and `connect` comes back. */
    suspend() {
      drop(BACK_SOON);
      settledAt = null;
      enter({ phase: 'closed' });
    },
    close() {
      drop();
      tries = 0;
      settledAt = null;
      lostAt = null;
      enter({ phase: 'closed' });
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
