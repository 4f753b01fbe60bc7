// What a close code says about coming back.

const VERDICTS = {
  1009: { back: 'never', reason: 'too_big' },
  1012: { back: 'soon', reason: 'restarting' },
  4009: { back: 'soon', reason: 'slow' },
  4400: { back: 'never', reason: 'bad_frame' },
  4401: { back: 'never', reason: 'not_signed_in' },
  4403: { back: 'never', reason: 'banned' },
  4429: { back: 'later', reason: 'too_fast' },
};

/** What we close a line with that we give up, so that the server waits for us. */
export const BACK_SOON = 4000;

/** `{back: 'soon' | 'later' | 'never', reason}`. An unknown code is a lost line: come back. */
export function verdictOf(code) {
  return VERDICTS[code] ?? { back: 'soon', reason: 'lost' };
}
