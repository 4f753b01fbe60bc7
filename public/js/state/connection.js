// The connection as the page shows it. A short loss is not shown.

const BLIP_MS = 2_000;
// The browser knows sooner than a silent line shows it.
const OFFLINE_MS = 1_000;

export function emptyConnection() {
  return { phase: 'closed', reason: null, refusal: null, retryAt: null, lostAt: null, offlineAt: null, unavailableAt: null };
}

export const connection = {
  initial: {
    connection: emptyConnection(),
    // How long the line had been lost when it was last opened.
    lostMs: 0,
  },
  events: {
    status(state, { status, now }) {
      const { lostAt } = state.connection;
      const lostMs = lostAt === null ? 0 : now - lostAt;
      return { ...state, connection: withStatus(state.connection, status, now), lostMs: status.phase === 'online' ? lostMs : state.lostMs };
    },
    network_changed: (state, { isNetworkUp, now }) => ({ ...state, connection: withNetwork(state.connection, isNetworkUp, now) }),
  },
  frames: {
    ack: withAvailable,
    joined: withAvailable,
    error: (state, error, { now }) =>
      (error.code === 'unavailable' ? { ...state, connection: withUnavailable(state.connection, now) } : state),
  },
};

// The name can't be used, or nobody is signed in (any more).
const TURNED_AWAY = new Set(['bad_username', 'username_taken', 'auth_required', 'not_signed_in', 'signed_out']);

/** Whether the server refuses who we are: then the way leads back to the page in front. */
export function isTurnedAway({ phase, reason }) {
  return phase === 'refused' && TURNED_AWAY.has(reason);
}

function withAvailable(state) {
  return { ...state, connection: withUnavailable(state.connection, null) };
}

export function withStatus(connection, { phase, reason = null, retryAt = null, retryAfterMs = null, words = null }, now) {
  const isLost = phase === 'connecting' || phase === 'waiting';
  // How it began says most: a server that restarts also refuses a try or two on the way.
  const isSame = phase === 'connecting' || (isLost && reason === 'lost' && connection.lostAt !== null);
  // Until when, and in whose words.
  const refusal = phase === 'refused' ? { until: retryAfterMs === null ? null : now + retryAfterMs, words } : null;
  return { ...connection, phase, reason: (isSame && connection.reason) || reason, refusal, retryAt, lostAt: isLost ? (connection.lostAt ?? now) : null };
}

// Without another word of it, a server that could not reach its storage can again.
const UNAVAILABLE_LASTS_MS = 10_000;

/** Whether we have been without a connection for so long that what we know of others is old. */
export function isAway({ phase, lostAt, offlineAt }, now) {
  return phase === 'closed' || phase === 'refused' || isPast(lostAt, now) || isOffline(offlineAt, now);
}

const isPast = (since, now) => since !== null && now - since >= BLIP_MS;
const isOffline = (since, now) => since !== null && now - since >= OFFLINE_MS;

/** The browser says that there is a network, or none. */
export function withNetwork(connection, isUp, now) {
  return { ...connection, offlineAt: isUp ? null : (connection.offlineAt ?? now) };
}

/** The server said that it cannot take messages now (`at`), or showed that it can (null). */
export function withUnavailable(connection, at) {
  return connection.unavailableAt === at ? connection : { ...connection, unavailableAt: at };
}

/** Is there something to tell that ends, or changes, by time alone? */
export function isTimely({ lostAt, offlineAt, unavailableAt }) {
  return lostAt !== null || offlineAt !== null || unavailableAt !== null;
}

/**
 * The banner over the timeline: null, or {kind, seconds?} with kind 'refused' (plus reason, until, words), 'offline',
 * 'restarting', 'slow', 'too_fast', 'reconnecting', 'connecting' or 'unavailable'.
 */
export function bannerOf(connection, now) {
  const { phase, reason, retryAt, lostAt, offlineAt, unavailableAt } = connection;
  if (phase === 'refused') return { kind: 'refused', reason, ...connection.refusal };
  if (isOffline(offlineAt, now)) return { kind: 'offline' };
  const isUnavailable = unavailableAt !== null && now - unavailableAt < UNAVAILABLE_LASTS_MS;
  if (phase === 'online' && isUnavailable) return { kind: 'unavailable' };
  if (lostAt === null || !isAway(connection, now)) return null;
  if (phase === 'connecting') return { kind: 'connecting' };
  const kind = reason === 'lost' ? 'reconnecting' : reason;
  return { kind, seconds: Math.max(1, Math.ceil((retryAt - now) / 1000)) };
}
