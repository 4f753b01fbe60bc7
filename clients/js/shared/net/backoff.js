// How long to stay away before the next try: full jitter, so that the sessions of a node that
// went down do not all come back in the same instant.

const FIRST_CAP_MS = 500;
const LAST_CAP_MS = 30_000;
const LEAST_CAP_MS = 1_000;

/**
 * Milliseconds before try number `tries` (0 is the first one after a loss). `random()` is in [0, 1).
 * `awayMs` is how long ago the line was lost: coming back takes no longer than the outage took.
 */
export function backoff(tries, random, awayMs) {
  return Math.round(random() * Math.min(capOf(tries), Math.max(LEAST_CAP_MS, awayMs / 2)));
}

/** A delay for a server that said "later": never short, still spread. */
export function longBackoff(random) {
  return Math.round(LAST_CAP_MS * (0.5 + random() / 2));
}

function capOf(tries) {
  return Math.min(LAST_CAP_MS, FIRST_CAP_MS * 2 ** Math.min(tries, 16));
}
