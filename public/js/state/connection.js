// The connection as a person should hear of it. A blip is not worth a word.

const BLIP_MS = 2_000;

export function emptyConnection() {
  return { phase: 'closed', reason: null, retryAt: null, lostAt: null };
}

export function withStatus(connection, { phase, reason = null, retryAt = null }, now) {
  const isLost = phase === 'connecting' || phase === 'waiting';
  // 'connecting' after 'waiting' goes on for the same reason.
  const kept = phase === 'connecting' ? connection.reason : reason;
  return { phase, reason: kept, retryAt, lostAt: isLost ? (connection.lostAt ?? now) : null };
}

/**
 * What the strip shows: null, or {kind, seconds?} with kind 'refused' (plus reason), 'offline',
 * 'restarting', 'slow', 'too_fast', 'reconnecting' or 'connecting'.
 */
export function stripOf(connection, { now, isNetworkUp }) {
  const { phase, reason, retryAt, lostAt } = connection;
  if (phase === 'refused') return { kind: 'refused', reason };
  if (lostAt === null || now - lostAt < BLIP_MS) return null;
  if (!isNetworkUp) return { kind: 'offline' };
  if (phase === 'connecting') return { kind: 'connecting' };
  const kind = reason === 'lost' ? 'reconnecting' : reason;
  return { kind, seconds: Math.max(1, Math.ceil((retryAt - now) / 1000)) };
}
