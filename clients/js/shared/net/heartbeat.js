// Notices a dead connection that the operating system still calls open. Pages do not see the server's
// WebSocket pings, so after a silence the page sends a ping of its own; without an answer the socket is dead.

// How much longer than the server's heartbeat interval we wait, so that a heartbeat on its way is not called missing.
const GRACE_MS = 5_000;
// The time limit of the answer to a ping that the page has a reason for, such as waking up.
const PROBE_MS = 5_000;

/** `ping()` sends one, `onDead()` is called once when the socket is given up. */
export function createHeartbeat({ timers, ping, onDead }) {
  let timer = null;
  let intervalMs = 25_000;
  let lastFrameAt = 0;
  // The timer is that of a silence. It stays when a frame comes: a busy room has many.
  let isWatching = false;

  function rearm(callback, delayMs) {
    timers.clearTimeout(timer);
    timer = timers.setTimeout(callback, delayMs);
  }

  function ask(answerWithinMs) {
    isWatching = false;
    ping();
    rearm(onDead, answerWithinMs);
  }

  function watch() {
    isWatching = true;
    const restMs = lastFrameAt + intervalMs + GRACE_MS - timers.now();
    if (restMs > 0) rearm(watch, restMs);
    else ask(Math.max(GRACE_MS, intervalMs - GRACE_MS));
  }

  return {
    /** A frame came. */
    onFrame() {
      lastFrameAt = timers.now();
      if (!isWatching) watch();
    },
    /** The server's heartbeat interval, from `welcome.heartbeat_s`. */
    setIntervalMs(milliseconds) {
      intervalMs = milliseconds;
      if (isWatching) watch();
    },
    /** Ask now: the page was asleep, or the connection may be lost. */
    probe() {
      ask(PROBE_MS);
    },
    stop() {
      isWatching = false;
      timers.clearTimeout(timer);
    },
  };
}
