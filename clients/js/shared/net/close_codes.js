// Whether and when a client connects again after a close code.

const POLICIES = {
  1009: { back: 'never', reason: 'too_big' },
  1012: { back: 'soon', reason: 'restarting' },
  4009: { back: 'soon', reason: 'slow' },
  4400: { back: 'never', reason: 'bad_frame' },
  4401: { back: 'never', reason: 'not_signed_in' },
  4403: { back: 'never', reason: 'banned' },
  4429: { back: 'later', reason: 'too_fast' },
};

/** Our own code for a socket that we give up: the server then waits for us to come back. */
export const BACK_SOON = 4000;

/** `{back: 'soon' | 'later' | 'never', reason}`. An unknown code is a lost connection: come back. */
export function closePolicy(code) {
  return POLICIES[code] ?? { back: 'soon', reason: 'lost' };
}
