// The problem of a form: {field, key, slots?, until?, isLong?, words?}. The field is 'username', 'password', 'old' or 'code', or null
// where it is none of them; the key is that of a text; `until` is when it is over, in the page's own time, and `isLong` if that is
// told as a date; `words` are those of the person who decided so.

import { graphemesOver } from '../text/graphemes.js';
import { countCharacters, parseName, tidied } from '../text/names.js';

// As the server has it for new passwords.
const LEAST_PASSWORD_CHARS = 8;
const MOST_PASSWORD_BYTES = 256;

/** The problem of `values` that shows without asking the server, or null. */
export function problemOfValues(form, { username, password, old, code }, maxNameChars) {
  if (code !== undefined && code.trim() === '') return { field: 'code', key: 'code_empty' };
  const name = username === undefined ? null : problemOfName(form, tidied(username), maxNameChars);
  if (name) return name;
  if (old === '') return { field: 'old', key: 'password_empty' };
  if (password === '') return { field: 'password', key: 'password_empty' };
  return form === 'sign_in' ? null : problemOfNewPassword(password);
}

// The server has the last word: it also knows the common ones.
function problemOfNewPassword(password) {
  const length = countCharacters(password);
  if (length < LEAST_PASSWORD_CHARS) return { field: 'password', key: 'password_too_short', slots: { count: LEAST_PASSWORD_CHARS } };
  return new TextEncoder().encode(password).length > MOST_PASSWORD_BYTES ? { field: 'password', key: 'password_too_long' } : null;
}

function problemOfName(form, text, max) {
  const { problem } = parseName(text, max);
  if (!problem || (form === 'sign_in' && problem !== 'empty')) return null;
  const count = problem === 'too_long' ? graphemesOver(text.normalize('NFC').trim(), max) : 0;
  return { field: 'username', key: `name_${problem}`, slots: { count } };
}

// By the server's code. Each gets the server's answer, the name of the form, and the time.
const PROBLEMS = {
  username_taken: () => ({ field: 'username', key: 'refused_username_taken' }),
  bad_username: () => ({ field: 'username', key: 'refused_bad_username' }),
  weak_password: () => ({ field: 'password', key: 'weak_password' }),
  bad_credentials: (_, form) => WRONG[form] ?? { field: 'password', key: 'bad_credentials' },
  too_fast: ({ retry_after_ms: retryAfterMs }, form, now) => ({ field: null, key: 'form_too_fast', until: now + (retryAfterMs > 0 ? retryAfterMs : 1_000) }),
  banned: ({ retry_after_ms: retryAfterMs, reason: words }, _, now) => ({
    field: null, words, ...(retryAfterMs > 0 ? { key: 'refused_banned_until', until: now + retryAfterMs, isLong: true } : { key: 'refused_banned' }),
  }),
  registration_closed: () => ({ field: null, key: 'registration_closed' }),
  // Somebody else was faster.
  forbidden: (_, form) => ({ field: null, key: form === 'setup' ? 'setup_done' : 'form_forbidden' }),
  unavailable: () => ({ field: null, key: 'form_unavailable' }),
};
const WRONG = { password: { field: 'old', key: 'old_password_wrong' }, setup: { field: 'code', key: 'code_wrong' } };

/** The problem that a failed request shows: `error` is a `Refusal` of the server, or that it was not reached. */
export function problemOf(error, form, now) {
  if (error.status === undefined) return { field: null, key: 'form_unreachable' };
  const problem = Object.hasOwn(PROBLEMS, error.code ?? '') ? PROBLEMS[error.code] : null;
  if (problem) return problem(error.details, form, now);
  // A proxy in front has limits of its own.
  if (error.status === 429) return PROBLEMS.too_fast(error.details, form, now);
  return { field: null, key: error.status >= 500 ? 'form_unavailable' : 'form_failed' };
}
