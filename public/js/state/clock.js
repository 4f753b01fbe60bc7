// Times: the page's own, and how the server's clock differs from this computer's.

// Closer than this two clocks agree.
const CLOCK_SLACK_MS = 1_000;

export const clock = {
  initial: {
    // Goes on evenly, and is set by the events that need it.
    now: 0,
    // The server's clock less ours.
    serverAheadMs: 0,
    // When the server last sent anything, by our clock.
    lastFrameAt: null,
    // How long it had sent nothing when it welcomed us.
    silentMs: 0,
  },
  events: {
    // A frame's `now` goes on evenly, its `at` is the clock's time.
    frame: (state, { at }) => ({ ...state, lastFrameAt: at }),
    // A visit goes on where the last one ended, and knows how long ago that was.
    history_opened: (state, { savedAt }) => ({ ...state, lastFrameAt: state.lastFrameAt ?? savedAt }),
    network_changed: (state, { now }) => ({ ...state, now }),
    ticked: (state, { now }) => ({ ...state, now }),
  },
  frames: {
    welcome: (state, { timestamp }, { at }) =>
      withServerTime({ ...state, silentMs: at - (state.lastFrameAt ?? at) }, timestamp, at),
    ack: (state, ack, { at }) => (ack.duplicate ? state : withServerTime(state, ack.timestamp, at)),
    text: (state, message, { at }) => withServerTime(state, message.timestamp, at),
    error: (state, error, { now }) => (error.code === 'unavailable' ? { ...state, now } : state),
  },
};

// The server dates with its own clock, which is everybody's; ours may be off by days.
function withServerTime(state, timestamp, at) {
  const aheadMs = Date.parse(timestamp) - at;
  const isNews = Number.isFinite(aheadMs) && Math.abs(aheadMs - state.serverAheadMs) >= CLOCK_SLACK_MS;
  return isNews ? { ...state, serverAheadMs: aheadMs } : state;
}
