// Notices a dead line that the operating system still calls open. Pages do not see the server's
// WebSocket pings, so silence is answered with a ping of our own before it is called death.

// How much longer than the server's beat we wait, so that a beat on its way is not called missing.
const GRACE_MS = 5_000;
// A line that was asked directly (the page woke up) has this long to say something.
const PROBE_MS = 5_000;

/** `ping()` sends one, `die()` is called once when the line is given up. */
export function createHeartbeat({ timers, ping, die }) {
  let timer = null;
  let beatMs = 25_000;

  function rearm(callback, delayMs) {
    timers.clearTimeout(timer);
    timer = timers.setTimeout(callback, delayMs);
  }

  function ask(patienceMs) {
    ping();
    rearm(die, patienceMs);
  }

  return {
    /** Something was heard. */
    heard() {
      rearm(() => ask(Math.max(GRACE_MS, beatMs - GRACE_MS)), beatMs + GRACE_MS);
    },
    /** The server's beat, from `welcome.heartbeat_s`. */
    follow(milliseconds) {
      beatMs = milliseconds;
    },
    /** Is anybody there? For a page that was asleep. */
    probe() {
      ask(PROBE_MS);
    },
    stop() {
      timers.clearTimeout(timer);
    },
  };
}
