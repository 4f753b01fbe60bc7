// The connection to the figures: it comes back by itself, and says when no frame came for too long. Knows no page.

import { backoff } from '../net/backoff.js';

// The server sends each second.
const STALE_MS = 5_000;
// A connection that says nothing for so long is given up, from its opening on: the network may have lost it.
const SILENT_MS = 15_000;
const TICK_MS = 1_000;
// Nothing that another try helps against: not signed in, no right.
const REFUSED = [4401, 4403];

/**
 * `mayRead()` resolves to 'yes', 'no' or 'unknown'. `onText(text)` is called with each frame, `onState(state)` with
 * {phase: 'connecting' | 'open' | 'lost' | 'refused', isStale}. `timers` as in main.js.
 */
export function createFeed({ url, WebSocket, timers, random, mayRead, onText, onState }) {
  let socket = null;
  let phase = 'connecting';
  let frameAt = timers.now();
  let openedAt = timers.now();
  let lostAt = timers.now();
  let tries = 0;
  let retry = null;
  let told = '';

  function tell() {
    const state = { phase, isStale: phase !== 'refused' && timers.now() - frameAt >= STALE_MS };
    if (told === JSON.stringify(state)) return;
    told = JSON.stringify(state);
    onState(state);
  }

  function enter(next) {
    phase = next;
    tell();
  }

  async function connect() {
    retry = null;
    if ((await mayRead()) === 'no') return enter('refused');
    if (socket === null && retry === null) open();
  }

  function open() {
    const opened = new WebSocket(url);
    socket = opened;
    openedAt = timers.now();
    opened.onmessage = ({ data }) => {
      if (socket !== opened) return;
      [frameAt, tries] = [timers.now(), 0];
      onText(data);
      enter('open');
    };
    opened.onclose = ({ code }) => lose(opened, code);
  }

  function lose(lost, code) {
    if (socket !== lost) return;
    socket = null;
    if (REFUSED.includes(code)) return enter('refused');
    if (phase === 'open') lostAt = timers.now();
    enter(phase === 'connecting' ? 'connecting' : 'lost');
    retry = timers.setTimeout(connect, backoff(tries, random, timers.now() - lostAt));
    tries += 1;
  }

  function tick() {
    tell();
    if (socket !== null && timers.now() - Math.max(frameAt, openedAt) >= SILENT_MS) {
      const silent = socket;
      lose(silent, null);
      silent.close();
    }
    timers.setTimeout(tick, TICK_MS);
  }

  return {
    start() {
      connect();
      tick();
    },
    /** Tries at once: somebody looks again, or the network is back. */
    tryNow() {
      if (socket !== null) return;
      if (retry !== null) timers.clearTimeout(retry);
      if (phase === 'refused') phase = 'connecting';
      connect();
    },
  };
}
