// The connection as a person should hear of it. A blip is not worth a word.

const BLIP_MS = 2_000;

export function emptyConnection() {
  return { phase: 'closed', reason: null, retryAt: null, lostAt: null };
}

export function withStatus(connection, { phase, reason = null, retryAt = null }, now) {
  const isLost = phase === 'connecting' || phase === 'waiting';
  // How it began says most: a server that restarts also refuses a try or two on the way.
  const isSame = phase === 'connecting' || (isLost && reason === 'lost' && connection.lostAt !== null);
  return { phase, reason: (isSame && connection.reason) || reason, retryAt, lostAt: isLost ? (connection.lostAt ?? now) : null };
}

/** Whether we have been without a connection for so long that what we know of others is old. */
export function isAway({ phase, lostAt }, now) {
  return phase === 'closed' || phase === 'refused' || (lostAt !== null && now - lostAt >= BLIP_MS);
}

/**
 * What the strip shows: null, or {kind, seconds?} with kind 'refused' (plus reason), 'offline',
 * 'restarting', 'slow', 'too_fast', 'reconnecting' or 'connecting'.
 */
export function stripOf(connection, { now, isNetworkUp }) {
  const { phase, reason, retryAt, lostAt } = connection;
  if (phase === 'refused') return { kind: 'refused', reason };
  if (lostAt === null || !isAway(connection, now)) return null;
  if (!isNetworkUp) return { kind: 'offline' };
  if (phase === 'connecting') return { kind: 'connecting' };
  const kind = reason === 'lost' ? 'reconnecting' : reason;
  return { kind, seconds: Math.max(1, Math.ceil((retryAt - now) / 1000)) };
}
