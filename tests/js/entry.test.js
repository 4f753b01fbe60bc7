// The ways in, and what is wrong with a form.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeAccounts, fakeClient, settled } from './fakes.js';
import { Refusal } from '../../public/js/net/api.js';
import { TEXTS } from '../../public/js/i18n/texts.js';
import { initial, reduce } from '../../public/js/state/chat.js';
import { formOf, otherForms } from '../../public/js/state/identity/entry.js';
import { problemOf, problemOfValues } from '../../public/js/state/identity/problems.js';

const OPEN = { guests: true, registration: 'open', needed: false };
const told = (access, form) => [{ type: 'access_told', access }, { type: 'entry_form_chosen', form }].reduce(reduce, initial);
const shown = (access, form) => [formOf(told(access, form)), otherForms(told(access, form))];

test('the server decides which ways in there are', () => {
  const cases = [
    [OPEN, 'guest', ['guest', ['sign_in', 'sign_up']]],
    [OPEN, 'sign_in', ['sign_in', ['sign_up', 'guest']]],
    [OPEN, 'sign_up', ['sign_up', ['sign_in', 'guest']]],
    [{ ...OPEN, guests: false }, 'guest', ['sign_in', ['sign_up']]],
    [{ ...OPEN, registration: 'closed' }, 'guest', ['guest', ['sign_in']]],
    [{ ...OPEN, registration: 'closed' }, 'sign_up', ['sign_in', ['guest']]],
    [{ guests: false, registration: 'closed', needed: false }, 'guest', ['sign_in', []]],
    [{ ...OPEN, needed: true }, 'setup', ['setup', []]],
    [{ ...OPEN, needed: true }, 'guest', ['guest', ['sign_in', 'sign_up']]],
    [OPEN, 'setup', ['sign_in', ['sign_up', 'guest']]],
  ];
  for (const [access, form, expected] of cases) assert.deepEqual(shown(access, form), expected, JSON.stringify([access, form]));
});

test('before the server has said anything a guest comes in as ever', () => {
  assert.deepEqual([formOf(initial), otherForms(initial)], ['guest', []]);
});

test('the ways in of the last visit hold until the server answers', async () => {
  const accounts = fakeAccounts({ getAccess: { ...OPEN, guests: false } });
  const before = fakeClient({ accounts });
  await before.account.askAccess();
  accounts.answers.getAccess = new TypeError('network');
  const after = fakeClient({ accounts, local: before.local });
  const asked = after.account.askAccess();
  assert.equal(formOf(after.store.state), 'sign_in');
  await asked;
  accounts.answers.getAccess = OPEN;
  await after.account.askAccess();
  assert.equal(formOf(after.store.state), 'guest');
});

test('the ways in are asked for until the server has told them', async () => {
  const accounts = fakeAccounts({ getAccess: Object.assign(new Error('busy'), { status: 503 }) });
  const client = fakeClient({ accounts });
  await client.account.askAccess();
  assert.equal(client.store.state.access, null);
  accounts.answers.getAccess = { guests: false, registration: 'open' };
  client.clock.advance(2_000);
  await settled();
  assert.deepEqual(otherForms({ ...client.store.state, entryForm: 'sign_in' }), ['sign_up']);
});

test('a form is judged before it is sent, as far as the page can tell', () => {
  const cases = [
    ['sign_up', { username: ' ', password: 'x' }, 'username name_empty'],
    ['sign_up', { username: 'ক'.repeat(33), password: 'x' }, 'username name_too_long'],
    ['sign_up', { username: 'র\u202eহ', password: 'x' }, 'username name_hidden'],
    ['sign_up', { username: 'রহিম', password: '' }, 'password password_empty'],
    ['sign_up', { username: 'রহিম', password: '1234567' }, 'password password_too_short'],
    ['sign_up', { username: 'রহিম', password: 'আ'.repeat(86) }, 'password password_too_long'],
    ['sign_up', { username: 'রহিম', password: 'correct horse' }, null],
    ['sign_in', { username: 'রহিম', password: 'x' }, null],
    ['sign_in', { username: '', password: 'x' }, 'username name_empty'],
    ['sign_in', { username: 'ক'.repeat(33), password: 'x' }, null],
    ['setup', { code: ' ', username: 'রহিম', password: 'x' }, 'code code_empty'],
    ['password', { old: '', password: 'correct horse' }, 'old password_empty'],
    ['password', { old: 'x', password: '' }, 'password password_empty'],
    ['password', { old: 'x', password: 'short' }, 'password password_too_short'],
  ];
  for (const [form, values, expected] of cases) {
    const problem = problemOfValues(form, values, 32);
    assert.equal(problem && `${problem.field} ${problem.key}`, expected, JSON.stringify([form, values]));
  }
});

test('a refusal of the server is told at the field that it is about', () => {
  const refused = (form, status, code, details = {}) => problemOf(new Refusal('api/…', status, { code, ...details }), form, 1_000);
  const cases = [
    ['sign_up', 409, 'username_taken', {}, 'username refused_username_taken'],
    ['sign_up', 400, 'weak_password', {}, 'password weak_password'],
    ['sign_in', 401, 'bad_credentials', {}, 'password bad_credentials'],
    ['password', 401, 'bad_credentials', {}, 'old old_password_wrong'],
    ['setup', 401, 'bad_credentials', {}, 'code code_wrong'],
    ['setup', 403, 'forbidden', {}, 'null setup_done'],
    ['sign_up', 403, 'registration_closed', {}, 'null registration_closed'],
    ['sign_in', 503, 'unavailable', {}, 'null form_unavailable'],
    ['sign_in', 502, 'toString', {}, 'null form_unavailable'],
    ['sign_in', 418, null, {}, 'null form_failed'],
    ['sign_in', 429, null, {}, 'null form_too_fast'],
  ];
  for (const [form, status, code, details, expected] of cases) {
    const problem = refused(form, status, code, details);
    assert.equal(`${problem.field} ${problem.key}`, expected);
    assert.ok(Object.hasOwn(TEXTS, problem.key), problem.key);
  }
  assert.deepEqual(refused('sign_in', 429, 'too_fast', { retry_after_ms: 500 }), { field: null, key: 'form_too_fast', until: 1_500 });
  assert.deepEqual(refused('sign_in', 403, 'banned', { retry_after_ms: 500, reason: 'spam' }),
    { field: null, key: 'refused_banned_until', until: 1_500, isLong: true, words: 'spam' });
  assert.deepEqual(refused('sign_in', 403, 'banned'), { field: null, key: 'refused_banned', words: undefined });
  assert.equal(problemOf(new TypeError('network'), 'sign_in', 0).key, 'form_unreachable');
});
