// Reads whose answer the page goes on showing: one at a time, once more if there was news meanwhile, and again after a failure. News of
// the server reaches all pages in the same instant, so they ask within a moment that is short beside a second.

const SPREAD_MS = 250;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 8_000;

/**
 * `read(key)` asks for one of the things, and rejects if there was no answer; `isWanted(key)` is whether its answer would be of use: without
 * a line it is not, where a new line asks anyway.
 */
export function createAsking({ timers, random, read, isWanted = () => true }) {
  const due = new Set();
  let running = null;
  let timer = null;
  let dueAt = Infinity;
  // The server has asked to be left alone until then.
  let notBefore = -Infinity;
  let tries = 0;

  function goOn(delayMs) {
    const at = Math.max(notBefore, timers.now() + delayMs);
    if (running !== null || at >= dueAt) return;
    timers.clearTimeout(timer);
    if (at <= timers.now()) return void begin();
    dueAt = at;
    timer = timers.setTimeout(begin, at - timers.now());
  }

  function begin() {
    timers.clearTimeout(timer);
    dueAt = Infinity;
    running = run().then((pauseMs) => {
      running = null;
      if (pauseMs !== null) pause(pauseMs);
      else if (due.size > 0) goOn(0);
    });
  }

  // News of a key while it is read makes it due again. Returns how long the server wants to be left alone after a failure, else null.
  async function run() {
    for (const key of due) {
      due.delete(key);
      if (!isWanted(key)) continue;
      try {
        await read(key);
        tries = 0;
      } catch (error) {
        // A refusal is an answer.
        if (error.status >= 400 && error.status < 500 && error.status !== 429) continue;
        console.warn('asked again later:', error);
        due.add(key);
        return error.details?.retry_after_ms ?? 0;
      }
    }
    return null;
  }

  function pause(toldMs) {
    notBefore = timers.now() + toldMs;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries);
    tries = Math.min(tries + 1, 10);
    goOn(Math.max(toldMs, pauseMs) + pauseMs * random());
  }

  return {
    /** Ask now; resolves once it was tried. */
    ask(key = null) {
      due.add(key);
      goOn(0);
      return running;
    },
    /** The server has told all pages at once that there is something new. */
    askSoon(key = null) {
      due.add(key);
      goOn(SPREAD_MS * random());
    },
  };
}
