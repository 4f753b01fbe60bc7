// Accounts in a client without a page: signing in and out, staying signed in, and what a session's end leaves behind.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '../../public/js/net/api.js';
import { formNamed } from '../../public/js/state/identity/forms.js';
import { WELCOME, fakeAccounts, fakeClient, joined, settled } from './fakes.js';

const RAHIM = { user_id: 'a1', username: 'রহিম', role: 'member', token: 'token-a1', expires_at: '2026-12-20T08:00:00.000Z' };
const WELCOME_RAHIM = { ...WELCOME, ...RAHIM, token: undefined };
const refusal = (status, code, details = {}) => new Refusal('api/…', status, { code, ...details });

/** A client of রহিম, signed in and in #general. */
async function signedIn(parts = {}) {
  const accounts = parts.accounts ?? fakeAccounts({ logIn: RAHIM });
  const client = fakeClient({ ...parts, accounts });
  const known = await client.account.signIn({ username: 'রহিম', password: 'গোপন কথা' });
  client.chat.enter(known.username, 'general', known);
  online(client);
  return Object.assign(client, { accounts });
}

function online(client) {
  client.socket().say(WELCOME_RAHIM);
  if (client.socket().sentOf('auth').length > 0) client.socket().say({ type: 'auth_success', ...RAHIM });
  client.socket().say(joined('general'));
}

test('a page that signs in proves itself by its token, and by the cookie after a reload', async () => {
  const before = await signedIn();
  assert.deepEqual(before.socket().sent[0], { type: 'auth', token: 'token-a1' });
  assert.deepEqual(before.accounts.calls.map(([name]) => name), ['logIn', 'keepSession']);
  const after = fakeClient({ local: before.local, session: before.session });
  after.chat.enter('রহিম', 'general', after.account.known());
  online(after);
  assert.deepEqual(after.socket().sentOf('auth'), []);
  assert.equal(after.store.state.me.role, 'member');
  assert.equal(after.store.state.connection.phase, 'online');
});

test('no storage holds the token of an account', async () => {
  const client = await signedIn();
  const kept = [...client.local.entries.values(), ...client.session.entries.values()].join('\n');
  assert.doesNotMatch(kept, /token-a1|গোপন/);
  assert.match(kept, /a1/);
});

test('a browser that keeps no cookie keeps the account as long as the page', async () => {
  const accounts = fakeAccounts({ logIn: RAHIM, keepSession: refusal(403, 'bad_origin') });
  const client = await signedIn({ accounts });
  client.socket().end(1006);
  client.clock.advance(1_000);
  online(client);
  assert.equal(client.store.state.connection.phase, 'online');
});

test('a problem is told at its form, and the form waits for one answer', async () => {
  const accounts = fakeAccounts({ createAccount: refusal(409, 'username_taken') });
  const client = fakeClient({ accounts });
  const asked = client.account.signUp({ username: 'রহিম', password: 'গোপন কথা' });
  assert.equal(formNamed(client.store.state, 'sign_up').isBusy, true);
  assert.equal(await asked, null);
  assert.deepEqual(formNamed(client.store.state, 'sign_up'),
    { isBusy: false, problem: { field: 'username', key: 'refused_username_taken' } });
  accounts.answers.createAccount = new TypeError('network');
  await client.account.signUp({ username: 'রহিম', password: 'গোপন কথা' });
  assert.equal(formNamed(client.store.state, 'sign_up').problem.key, 'form_unreachable');
  client.store.dispatch({ type: 'form_edited', form: 'sign_up' });
  assert.equal(formNamed(client.store.state, 'sign_up').problem, null);
});

test('too many tries end by themselves', async () => {
  const accounts = fakeAccounts({ logIn: refusal(429, 'too_fast', { retry_after_ms: 3_000 }) });
  const client = fakeClient({ accounts });
  await client.account.signIn({ username: 'রহিম', password: 'x' });
  const tick = () => client.store.dispatch({ type: 'ticked', now: client.clock.now() });
  client.clock.advance(2_999);
  tick();
  assert.equal(formNamed(client.store.state, 'sign_in').problem.key, 'form_too_fast');
  client.clock.advance(1);
  tick();
  assert.equal(formNamed(client.store.state, 'sign_in').problem, null);
});

test('a session that is ended elsewhere leads to the sign-in page, and drafts and unsent messages stay', async () => {
  const client = await signedIn({ accounts: fakeAccounts({ logIn: RAHIM, getMe: refusal(401, 'auth_required') }) });
  client.chat.keepDraft('general', 'আধা লে');
  client.chat.post('general', 'পাঠানো হয়নি');
  client.socket().end(4401);
  await settled();
  const { state } = client.store;
  assert.deepEqual([state.active, state.refusedEntry, state.entryForm], [null, 'signed_out', 'sign_in']);
  assert.equal(client.account.known(), null);

  client.accounts.answers.getMe = RAHIM;
  const known = await client.account.signIn({ username: 'রহিম', password: 'গোপন কথা' });
  client.chat.enter(known.username, 'general', known);
  online(client);
  assert.equal(client.chat.draft('general').text, 'আধা লে');
  assert.deepEqual(client.socket().sentOf('text').map(({ content }) => content), ['পাঠানো হয়নি']);
});

test('another one who signs in does not send what waits of the first', async () => {
  const client = await signedIn({ accounts: fakeAccounts({ logIn: RAHIM, getMe: refusal(401, 'auth_required') }) });
  client.chat.post('general', 'রহিমের কথা');
  client.socket().end(4401);
  await settled();
  const karim = { ...RAHIM, user_id: 'a2', username: 'করিম' };
  client.accounts.answers.logIn = karim;
  const known = await client.account.signIn({ username: 'করিম', password: 'গোপন কথা' });
  client.chat.enter(known.username, 'general', known);
  await settled();
  client.socket().say({ ...WELCOME_RAHIM, ...karim, token: undefined });
  client.socket().say({ type: 'auth_success', ...karim });
  client.socket().say(joined('general'));
  assert.deepEqual(client.socket().sentOf('text'), []);
  assert.deepEqual(client.storage.outboxOf('রহিম').map(({ content }) => content), ['রহিমের কথা']);
});

test('a new password ends the other sessions, and this one goes on with the new token', async () => {
  const accounts = fakeAccounts({ logIn: RAHIM, changePassword: { ...RAHIM, token: 'token-new' }, getMe: RAHIM });
  const client = await signedIn({ accounts });
  const changed = client.account.changePassword({ old: 'গোপন কথা', password: 'আরও গোপন' });
  client.socket().end(4401);
  assert.equal(await changed, 'token-new');
  client.chat.setToken('token-new');
  await settled();
  client.clock.advance(1_000);
  online(client);
  assert.deepEqual(client.socket().sent[0], { type: 'auth', token: 'token-new' });
  assert.deepEqual([client.store.state.active, client.store.state.connection.phase], ['general', 'online']);
  assert.deepEqual(accounts.calls.find(([name]) => name === 'changePassword'), ['changePassword', { old: 'গোপন কথা', new: 'আরও গোপন' }, 'token-a1']);
});

test('a tab whose password was changed in another tab goes on by the new cookie', async () => {
  const client = await signedIn({ accounts: fakeAccounts({ logIn: RAHIM, getMe: RAHIM }) });
  client.socket().end(4401);
  await settled();
  assert.equal(client.store.state.active, 'general');
  client.clock.advance(1_000);
  client.socket().say(WELCOME_RAHIM);
  client.socket().say({ type: 'error', code: 'bad_token', content: '…' });
  assert.equal(client.store.state.connection.phase, 'online');
});

test('after a new password of another tab this one asks by the cookie, and not by its old token', async () => {
  const getMe = (token) => (token === undefined ? RAHIM : refusal(401, 'bad_token'));
  const client = await signedIn({ accounts: fakeAccounts({ logIn: RAHIM, getMe }) });
  client.socket().end(4401);
  await settled();
  assert.equal(client.account.tokenOf('a1'), undefined);
  assert.equal(client.chat.tokenOf(), undefined);
  client.clock.advance(1_000);
  client.socket().say(WELCOME_RAHIM);
  assert.deepEqual([client.socket().sentOf('auth'), client.store.state.connection.phase], [[], 'online']);
});

test('a cookie that the server takes no more is thrown away, and that of another account is not', async () => {
  for (const [getMe, isEnded] of [[refusal(401, 'bad_token'), true], [{ ...RAHIM, user_id: 'a2' }, false], [new TypeError('network'), false]]) {
    const client = await signedIn({ accounts: fakeAccounts({ logIn: RAHIM, getMe }) });
    client.socket().end(4401);
    await settled();
    assert.equal(client.accounts.calls.some(([name]) => name === 'endSession'), isEnded, String(getMe));
  }
});

test('a ban takes the account and its cookie out of the browser, and the page says why', async () => {
  const answers = { logIn: RAHIM, logOut: refusal(401, 'auth_required') };
  const live = await signedIn({ accounts: fakeAccounts(answers) });
  live.socket().say({ type: 'error', code: 'banned', content: 'You are banned: too loud', reason: 'too loud' });
  live.socket().end(4403);
  // By the cookie of an account that was banned meanwhile, the server takes the page for a guest's.
  const late = await signedIn({ accounts: fakeAccounts({ ...answers, getMe: refusal(403, 'banned', { reason: 'too loud', retry_after_ms: 60_000 }) }) });
  late.socket().end(4401);
  await settled();
  for (const client of [live, late]) {
    const { active, connection } = client.store.state;
    assert.deepEqual([active, connection.phase, connection.reason], ['general', 'refused', 'banned']);
    assert.deepEqual([client.account.known(), client.accounts.calls.some(([name]) => name === 'endSession')], [null, true]);
    assert.equal(await client.account.signOut(), true, 'the page is left all the same');
  }
  assert.deepEqual(live.store.state.connection.refusal, { until: null, words: 'too loud' });
  assert.deepEqual(late.store.state.connection.refusal, { until: late.clock.now() + 60_000, words: 'too loud' });
});

test('an answer about the cookie of before does not sign out the tab that has just signed in again', async () => {
  const AFTER = Date.now();
  let client = null;
  let asked = 0;
  const getMe = () => {
    asked += 1;
    if (asked > 2) return RAHIM;
    // The other tab keeps the account while the answer about the old cookie is on its way.
    client.storage.keepAccount({ userId: 'a1', username: 'রহিম', role: 'member', at: AFTER });
    return refusal(401, 'bad_token');
  };
  client = await signedIn({ accounts: fakeAccounts({ logIn: RAHIM, getMe }) });
  client.socket().end(4401);
  await settled();
  assert.equal(client.storage.account()?.at, AFTER);
  assert.equal(client.store.state.active, 'general');
});

test('a server that ends each session at once is not asked for ever', async () => {
  const client = await signedIn({ accounts: fakeAccounts({ logIn: RAHIM, getMe: RAHIM }) });
  client.socket().end(4401);
  await settled();
  client.clock.advance(1_000);
  client.socket().end(4401);
  await settled();
  assert.deepEqual([client.store.state.active, client.store.state.refusedEntry], [null, 'signed_out']);
});

test('nobody is signed out because the server can\'t be reached', async () => {
  const client = await signedIn({ accounts: fakeAccounts({ logIn: RAHIM, getMe: new TypeError('network') }) });
  client.socket().end(4401);
  await settled();
  assert.equal(client.store.state.active, 'general');
  client.clock.advance(5_000);
  online(client);
  assert.equal(client.store.state.connection.phase, 'online');
  client.accounts.answers.logOut = refusal(503, 'unavailable');
  assert.equal(await client.account.signOut(), false);
  assert.equal(formNamed(client.store.state, 'sign_out').problem.key, 'form_unavailable');
  assert.equal(client.account.known().userId, 'a1');
});

test('signing out ends the account everywhere and leaves no words in this browser', async () => {
  const client = await signedIn();
  client.chat.keepDraft('general', 'আধা লে');
  assert.equal(await client.account.signOut(), true);
  client.chat.exit();
  assert.deepEqual(client.accounts.calls.slice(-2), [['logOut', 'token-a1'], ['endSession']]);
  assert.deepEqual([client.account.known(), client.storage.signedIn(), client.storage.draft('রহিম', 'general').text], [null, null, '']);
});

test('a guest who leaves does not sign out the account of another tab', async () => {
  const client = await signedIn();
  const guest = fakeClient({ local: client.local });
  guest.chat.enter('অতিথি', 'general');
  guest.socket().say({ ...WELCOME, username: 'অতিথি' });
  guest.chat.exit();
  assert.equal(client.account.known().userId, 'a1');
  assert.equal(client.storage.account().userId, 'a1');
});

test('a guest who gets an account under the same name keeps rooms and words', async () => {
  const client = fakeClient({ accounts: fakeAccounts({ createAccount: RAHIM }) });
  client.chat.enter('রহিম', 'general');
  client.socket().say(WELCOME);
  client.chat.keepDraft('general', 'আধা লে');
  client.chat.stepOut();
  const known = await client.account.signUp({ username: 'রহিম', password: 'গোপন কথা' });
  client.chat.enter(known.username, 'general', known);
  online(client);
  assert.equal(client.chat.draft('general').text, 'আধা লে');
  assert.deepEqual(client.storage.roomsOf('রহিম'), ['general']);
});

test('a guest whose session is ended is led to the page in front', async () => {
  const client = fakeClient();
  client.chat.enter('রহিম', 'general');
  client.socket().say(WELCOME);
  client.socket().end(4401);
  assert.deepEqual([client.store.state.active, client.store.state.refusedEntry, client.store.state.entryForm], [null, 'not_signed_in', 'guest']);
});
