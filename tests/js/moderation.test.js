import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createModeration } from '../../public/js/app/rooms/moderation.js';
import { createI18n } from '../../public/js/i18n/i18n.js';
import { createApi } from '../../public/js/net/api.js';
import { parseDuration } from '../../public/js/state/finding/durations.js';
import { durationIn, peopleBeginning, personNamed } from '../../public/js/state/finding/orders.js';
import { mayOrder, peopleOf } from '../../public/js/state/identity/rights.js';
import { bannedPeople, isLocked, isMuted } from '../../public/js/state/rooms/moderation.js';
import { commandsFor, parseCommand } from '../../public/js/state/text/commands.js';
import { auditText } from '../../public/js/ui/room/audit_text.js';
import { WELCOME, clientInGeneral, joined, message, settled } from './fakes.js';

const RAHIM = { user_id: 'u-1a1', username: 'রহিম' };
const OTHER_RAHIM = { user_id: 'u-2b2', username: 'রহিম' };
const UDDIN = { user_id: 'u-3', username: 'রহিম উদ্দিন' };
const MAYA = { user_id: 'u-4', username: 'Maya' };
const me = (role) => ({ userId: 'u-me', username: 'আমি', role, userIds: ['u-me', 'u-before'] });
const room = (client) => client.store.state.rooms.get('general');

test('times are written with a number and a unit, in both languages', () => {
  const seconds = { '30s': 30, '10m': 600, '10min': 600, '2h': 7_200, '1d': 86_400, '1w': 604_800, '১০মি': 600, '২ঘ': 7_200, '২ঘণ্টা': 7_200, '১দিন': 86_400, '3D': 259_200 };
  for (const [text, wanted] of Object.entries(seconds)) assert.equal(parseDuration(text), wanted, text);
  for (const text of ['', '10', 'm', '0m', '-1h', '1.5h', '10 m', '1h30m', '9999999d', '10x', 'constructor', '1constructor']) assert.equal(parseDuration(text), null, text);
});

test('an order is about the person with the longest name that it begins with', () => {
  const people = [RAHIM, UDDIN, MAYA];
  assert.deepEqual(personNamed('রহিম 10m', people), { person: RAHIM, rest: '10m' });
  assert.deepEqual(personNamed('রহিম উদ্দিন 10m শান্ত হোন', people), { person: UDDIN, rest: '10m শান্ত হোন' });
  assert.deepEqual(personNamed('@maya', people), { person: MAYA, rest: '' });
  assert.deepEqual(personNamed('রহিমা', people), { problem: 'nobody_named', name: 'রহিমা' });
  assert.equal(personNamed('', people).problem, 'nobody_named');
});

test('people of one name are told apart by their signs', () => {
  const people = [RAHIM, OTHER_RAHIM];
  assert.equal(personNamed('রহিম', people).problem, 'several_named');
  assert.deepEqual(personNamed('রহিম #2b2 1h', people), { person: OTHER_RAHIM, rest: '1h' });
});

test('a name is followed by a time, a reason, both or nothing', () => {
  assert.deepEqual(durationIn('2h too loud  today'), { seconds: 7_200, rest: 'too loud today' });
  assert.deepEqual(durationIn('too loud'), { seconds: null, rest: 'too loud' });
  assert.deepEqual(durationIn(''), { seconds: null, rest: '' });
});

test('names are completed by how they begin, whatever their case', () => {
  assert.deepEqual(peopleBeginning('ma', [RAHIM, MAYA]), [MAYA]);
  assert.deepEqual(peopleBeginning('@রহ', [RAHIM, UDDIN, MAYA]), [RAHIM, UDDIN]);
});

test('moderators order within rooms, admins ban besides, others nothing', () => {
  const orders = ['kick', 'mute', 'unmute', 'lock', 'unlock', 'audit', 'ban', 'unban'];
  const allowed = (role) => orders.filter((order) => mayOrder(me(role), order));
  assert.deepEqual(allowed('admin'), orders);
  assert.deepEqual(allowed('moderator'), orders.slice(0, 6));
  for (const role of ['member', 'guest', undefined]) assert.deepEqual(allowed(role), []);
  assert.equal(mayOrder(null, 'kick'), false);
});

test('commands of moderators are unknown to others, so that nothing is sent or done', () => {
  const parsed = (text, role) => parseCommand(text, commandsFor(me(role)));
  assert.deepEqual(parsed('/kick রহিম', 'member'), { kind: 'unknown', name: 'kick' });
  assert.deepEqual(parsed('/kick রহিম', 'moderator'), { kind: 'run', name: 'kick', argument: 'রহিম' });
  assert.deepEqual(parsed('/mute', 'moderator'), { kind: 'incomplete', name: 'mute', needs: 'person' });
  assert.deepEqual(parsed('/ban রহিম', 'moderator'), { kind: 'unknown', name: 'ban' });
  assert.deepEqual(parsed('/lock', 'admin'), { kind: 'run', name: 'lock', argument: '' });
  assert.deepEqual(commandsFor(null).map(({ name }) => name), ['join', 'me', 'leave', 'nick', 'help']);
});

test('orders can be about those who are there or have spoken, and not about oneself', () => {
  const client = clientInGeneral();
  client.socket().say(message(1, { ...RAHIM, content: 'ক' }));
  client.socket().say({ type: 'join', room_id: 'general', ...MAYA, content: '' });
  const people = peopleOf(room(client), { userIds: ['guest-1'] });
  assert.deepEqual(people.map(({ username }) => username).sort(), ['Maya', 'রহিম']);
});

test('a person who was removed is told so, and comes back only on their own', () => {
  const client = clientInGeneral();
  client.socket().say({ type: 'left', room_id: 'general', reason: 'kicked' });
  assert.deepEqual([room(client).isJoined, room(client).refusal, room(client).members], [false, 'kicked', []]);
  client.chat.post('general', 'ক');
  assert.equal(client.socket().sentOf('text').length, 0, 'it waits');
  assert.equal(client.socket().sentOf('join').length, 1);
  client.chat.openRoom('general');
  assert.equal(client.socket().sentOf('join').length, 1, 'to look at it is not to come back');
  client.chat.enterAgain('general');
  assert.equal(client.socket().sentOf('join').length, 2);
  client.socket().say(joined('general', { seq: 0, recovered: true }));
  assert.deepEqual([room(client).isJoined, room(client).refusal], [true, null]);
  assert.equal(client.socket().sentOf('text').length, 1);
});

test('a reconnect does not bring somebody back who was removed', () => {
  const client = clientInGeneral();
  client.socket().say({ type: 'left', room_id: 'general', reason: 'kicked' });
  const before = client.socket();
  before.end(1012);
  client.clock.advance(60_000);
  const again = client.socket();
  assert.notEqual(again, before);
  again.say(WELCOME);
  assert.deepEqual(again.sentOf('join'), []);
});

test('an answer to one\'s own leave says nothing of a moderator', () => {
  const client = clientInGeneral();
  client.socket().say({ type: 'left', room_id: 'general' });
  assert.equal(room(client).refusal, null);
});

test('a room is shown as locked to those who are refused, until they may write', () => {
  const client = clientInGeneral();
  const shown = () => isLocked(client.store.state, 'general');
  assert.equal(shown(), false);
  client.socket().say({ type: 'error', code: 'room_locked', room_id: 'general', nonce: 'n' });
  assert.equal(shown(), true);
  client.socket().say({ type: 'error', code: 'muted', room_id: 'general', nonce: 'n', retry_after_ms: 600_000 });
  assert.equal(shown(), false, 'that is another reason');
});

/** Verbs over an API whose server answers as `answer({method, path, body, token})` says. */
function moderator(answer) {
  const client = clientInGeneral();
  client.store.dispatch({ type: 'identified', userId: 'guest-1', username: 'রহিম', role: 'admin' });
  const asked = [];
  const api = createApi({
    fetch: async (path, { method, headers, body }) => {
      const request = { method, path, body: body && JSON.parse(body), token: headers.authorization };
      asked.push(request);
      const { status = 204, json = {} } = answer(request);
      return { ok: status < 400, status, json: async () => json };
    },
  });
  const moderation = createModeration({ ...client, api, account: { tokenOf: () => 'secret' } });
  return { client, moderation, asked, state: () => client.store.state.moderation, orders: () => asked.filter(({ path }) => !/mutes$/.test(path)) };
}

test('orders go to the server as REST has them', async () => {
  const { moderation, asked, orders } = moderator(({ method }) => (method === 'GET' ? { status: 200, json: { data: [], locked: false } } : {}));
  assert.equal(await moderation.kick('চা ঘর', 'u-1'), null);
  assert.equal(await moderation.mute('general', 'u-1', 600), null);
  assert.equal(await moderation.unmute('general', 'u-1'), null);
  assert.equal(await moderation.lock('general'), null);
  assert.equal(await moderation.unlock('general'), null);
  await moderation.ban('u-1', { seconds: null, reason: '' });
  await moderation.ban('u-1', { seconds: 3_600, reason: 'spam' });
  await moderation.unban('u-1');
  assert.deepEqual(orders().map(({ method, path, body }) => [method, path, body]), [
    ['POST', `api/rooms/${encodeURIComponent('চা ঘর')}/kick`, { user_id: 'u-1' }],
    ['PUT', 'api/rooms/general/mutes/u-1', { for_s: 600 }],
    ['DELETE', 'api/rooms/general/mutes/u-1', undefined],
    ['PUT', 'api/rooms/general/lock', undefined],
    ['DELETE', 'api/rooms/general/lock', undefined],
    ['PUT', 'api/bans/u-1', {}],
    ['PUT', 'api/bans/u-1', { for_s: 3_600, reason: 'spam' }],
    ['DELETE', 'api/bans/u-1', undefined],
  ]);
  assert.ok(asked.every(({ token }) => token === 'Bearer secret'));
});

test('moderators read the rules of a room when they enter it and after each change; others never', async () => {
  const rules = { data: [{ user_id: 'u-1', until: '2026-11-20T08:10:00.000Z' }], locked: true };
  const { client, moderation, asked } = moderator(() => ({ status: 200, json: rules }));
  const { store } = client;
  const now = Date.parse('2026-11-20T08:09:59.000Z');
  client.chat.openRoom('চা');
  assert.deepEqual(asked, [], 'it is not entered yet');
  client.socket().say(joined('চা'));
  await settled();
  assert.deepEqual(asked.map(({ path }) => path), [`api/rooms/${encodeURIComponent('চা')}/mutes`]);
  assert.equal(isLocked(store.state, 'চা'), true);
  assert.deepEqual([isMuted(store.state, 'চা', 'u-1', now), isMuted(store.state, 'চা', 'u-1', now + 1_000), isMuted(store.state, 'চা', 'u-2', now)], [true, false, false]);
  rules.locked = false;
  await moderation.unlock('চা');
  assert.equal(isLocked(store.state, 'চা'), false);
  store.dispatch({ type: 'identified', userId: 'guest-1', username: 'রহিম', role: 'guest' });
  asked.length = 0;
  client.chat.openRoom('general');
  await moderation.readRules('general');
  assert.deepEqual(asked, []);
});

test('rules that could not be read are asked for again', async () => {
  let status = 503;
  const { client } = moderator(() => ({ status, json: { data: [], locked: true } }));
  client.chat.openRoom('চা');
  client.socket().say(joined('চা'));
  await settled();
  status = 200;
  client.clock.advance(2_000);
  await settled();
  assert.equal(isLocked(client.store.state, 'চা'), true);
});

test('an order that is refused changes nothing, and its refusal has words', async () => {
  const refused = (status, json) => moderator(() => ({ status, json }));
  const { moderation } = refused(403, { code: 'forbidden' });
  assert.deepEqual(await moderation.lock('general'), { key: 'order_forbidden', slots: { count: 1 } });
  const slow = refused(429, { code: 'too_fast', retry_after_ms: 2_100 });
  assert.deepEqual(await slow.moderation.kick('general', 'u'), { key: 'order_too_fast', slots: { count: 3 } });
  assert.equal((await refused(418, { code: 'teapot' }).moderation.kick('general', 'u')).key, 'order_failed');
  const dead = moderator(() => { throw new TypeError('no network'); });
  assert.equal((await dead.moderation.kick('general', 'u')).key, 'order_unreached');
});

test('lists begin with the newest, go on where they ended, and say what kept them from coming', async () => {
  const pages = [{ data: [{ user_id: 'a' }], next: 7 }, { data: [{ user_id: 'b' }] }, { data: [{ user_id: 'c' }] }];
  let isDown = false;
  const { moderation, asked, state } = moderator(() => (isDown ? { status: 503, json: { code: 'unavailable' } } : { status: 200, json: pages.shift() }));
  const ids = () => state().bans.entries.map(({ user_id: id }) => id);
  await moderation.listBans();
  await moderation.listBans(true);
  assert.deepEqual([ids(), state().bans.next], [['a', 'b'], null]);
  await moderation.unban('a').catch(() => {});
  await moderation.listBans();
  isDown = true;
  await moderation.listBans();
  assert.equal(state().bans.problem.key, 'order_unavailable');
  assert.deepEqual(asked.map(({ path }) => path).filter((path) => path.includes('?')), ['api/bans?limit=50', 'api/bans?limit=50&before=7', 'api/bans?limit=50', 'api/bans?limit=50']);
});

test('a ban that is lifted leaves the list', async () => {
  const { moderation, state } = moderator(({ method }) => (method === 'GET' ? { status: 200, json: { data: [{ user_id: 'a' }, { user_id: 'b' }] } } : {}));
  await moderation.listBans();
  await moderation.unban('a');
  assert.deepEqual(state().bans.entries, [{ user_id: 'b' }]);
});

test('banned people have the names that this page has seen, else their ids', () => {
  const client = clientInGeneral();
  client.socket().say(message(1, RAHIM));
  client.store.dispatch({ type: 'moderation_listed', list: 'bans', page: { data: [{ user_id: RAHIM.user_id }, { user_id: 'u-77' }] }, isMore: false });
  assert.deepEqual(bannedPeople(client.store.state).map(({ username }) => username), ['রহিম', 'u-77']);
  client.store.dispatch({ type: 'identified', userId: 'somebody-else', username: 'x', role: 'member' });
  assert.deepEqual(client.store.state.moderation.bans.entries, [], 'another person does not see them');
});

test('the record of moderation is told in sentences, in both languages', () => {
  const entry = { action: 'mute', by: { username: 'রহিম' }, user_id: 'u-9', room_id: 'general', for_s: 600 };
  assert.equal(auditText(entry, undefined, createI18n('en')), 'রহিম muted u-9 in general for 10 minutes.');
  assert.equal(auditText(entry, 'Maya', createI18n('bn')), 'রহিম সবার আড্ডা ঘরে Maya-এর লেখা ১০ মিনিট বন্ধ করেছেন।');
  assert.equal(auditText({ action: 'ban', by: MAYA, user_id: 'u-1', failed: true }, 'রহিম', createI18n('en')), 'Perhaps not done: Maya banned রহিম: For good.');
  assert.equal(auditText({ action: 'role', by: MAYA, user_id: 'u-1', role: 'moderator' }, 'রহিম', createI18n('en')), 'Maya gave রহিম the role “Moderator”.');
  const deletion = { action: 'delete_message', by: MAYA, user_id: 'u-1', room_id: 'tea', seq: 7 };
  assert.equal(auditText(deletion, 'রহিম', createI18n('en')), 'Maya deleted a message of রহিম in tea.');
  assert.equal(auditText({ action: 'later', by: MAYA, user_id: 'u-1' }, 'রহিম', createI18n('en')).trim(), 'Maya: later রহিম');
});

test('each act that the server records has a sentence in both languages', () => {
  const source = readFileSync(new URL('../../src/backend/moderation.rs', import.meta.url), 'utf8');
  const [, acts] = /pub enum AuditAction \{(.*?)\n\}/s.exec(source);
  const names = [...acts.matchAll(/^ {4}([A-Z]\w+),$/gm)].map(([, name]) => name.replace(/(?!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase());
  assert.ok(names.length > 10);
  assert.deepEqual(names.filter((name) => !createI18n('bn').has(`audit_${name}`)), []);
});
