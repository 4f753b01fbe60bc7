// Private rooms, conversations, and the list of the rooms that an account is in.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMyRooms } from '../../public/js/app/rooms/my_rooms.js';
import { roomSections } from '../../public/js/state/finding/room_sections.js';
import { isOwner, marksOf, titleOf } from '../../public/js/state/rooms/my_rooms.js';
import { totalUnread } from '../../public/js/state/chat.js';
import { WELCOME, fakeClient, joined, looksAt, message, messages, newsOf, settled } from './fakes.js';

const ACCOUNT = { userId: 'a1', username: 'মিতা', role: 'member', token: 'T' };
const TALK = { id: '@a1a2', with: { user_id: 'a2', username: 'করিম' }, seq: 3, read_seq: 1, unread: 2, mentions: 1,
  last: { username: 'করিম', preview: 'চা?', timestamp: '2026-11-20T09:00:00.000Z' } };

/** A client of an account in #general, whose server answers `answers` by the names of calls. */
async function signedIn(answers = {}, join = {}) {
  const client = fakeClient();
  const calls = [];
  const names = ['listMyRooms', 'listMembership', 'createRoom', 'converse', 'addMember', 'removeMember', 'changeRoom'];
  const api = Object.fromEntries(names.map((name) => [name, async (...given) => {
    calls.push([name, ...given]);
    const answer = typeof answers[name] === 'function' ? answers[name](...given) : answers[name];
    if (answer instanceof Error) throw answer;
    return answer ?? null;
  }]));
  const account = { tokenOf: () => 'T' };
  const myRooms = createMyRooms({ ...client, api, account });
  client.chat.enter('মিতা', 'general', ACCOUNT);
  client.socket().say({ ...WELCOME, user_id: 'a1', username: 'মিতা', role: 'member' });
  client.socket().say({ type: 'auth_success', user_id: 'a1', username: 'মিতা', role: 'member', token: 'T' });
  client.socket().say(joined('general', join));
  looksAt(client, 'general');
  await settled();
  return { ...client, myRooms, calls, answers };
}

const ours = ({ store }) => roomSections(store.state, new Intl.Collator('bn').compare).ours;

test('the list is asked for when one comes in, and is in the order of the last messages', async () => {
  const client = await signedIn({ listMyRooms: [{ id: '!xxxxxxxx', title: 'দল', owner: 'a1' }, TALK] }, { seq: 1, messages: [message(1)] });
  assert.deepEqual(ours(client).map(({ name, unread, mentions }) => [name, unread, mentions]), [['@a1a2', 2, 1], ['general', 0, 0], ['!xxxxxxxx', 0, 0]]);
  assert.deepEqual([titleOf(client.store.state, '@a1a2'), titleOf(client.store.state, '!xxxxxxxx'), isOwner(client.store.state, '!xxxxxxxx')], ['করিম', 'দল', true]);
  assert.equal(totalUnread(client.store.state), 2);
});

test('a message for a room that one is not in counts once, and its preview moves the room up', async () => {
  const client = await signedIn({ listMyRooms: [TALK] });
  const inbox = { type: 'inbox', room_id: '@a1a2', seq: 4, from: { user_id: 'a2', username: 'করিম' }, preview: 'আসুন', mention: false };
  client.socket().say(inbox);
  client.socket().say(inbox);
  assert.deepEqual(marksOf(client.store.state, '@a1a2'), { unread: 3, mentions: 1 });
  assert.equal(client.store.state.myRooms.get('@a1a2').last.preview, 'আসুন');
  assert.equal(client.calls.filter(([name]) => name === 'listMyRooms').length, 1, 'a known room is not asked for');
});

test('a message from a room that is not known, and news of the list, ask for the list', async () => {
  const client = await signedIn({ listMyRooms: [] });
  await newsOf(client, { type: 'inbox', room_id: '@a1a2', seq: 4, from: { user_id: 'a2', username: 'করিম' }, preview: 'আসুন', mention: false });
  await newsOf(client, { type: 'my_rooms_changed' });
  await newsOf(client, { type: 'rooms_changed' });
  assert.equal(client.calls.filter(([name]) => name === 'listMyRooms').length, 4);
});

test('a list that the server could not give is asked for again', async () => {
  const busy = Object.assign(new Error('busy'), { status: 503, code: 'unavailable', details: { retry_after_ms: 1_000 } });
  const client = await signedIn({ listMyRooms: busy });
  client.answers.listMyRooms = [TALK];
  client.clock.advance(2_000);
  await settled();
  assert.equal(titleOf(client.store.state, '@a1a2'), 'করিম');
});

test('the members of a private room that could not be read are asked for again', async () => {
  const client = await signedIn({ listMembership: new TypeError('no network') });
  client.chat.openRoom('!xxxxxxxx');
  client.socket().say(joined('!xxxxxxxx'));
  await settled();
  client.answers.listMembership = { data: [{ user_id: 'a1', username: 'মিতা' }], owner: 'a9' };
  client.clock.advance(2_000);
  await settled();
  assert.equal(client.store.state.memberships.get('!xxxxxxxx')?.owner, 'a9');
});

test('an answer that comes when somebody else is here is not theirs', async () => {
  let release = null;
  const client = await signedIn({ listMyRooms: () => new Promise((resolve) => { release = resolve; }) });
  client.chat.stepOut();
  client.store.dispatch({ type: 'identified', userId: 'a5', username: 'রিনা', role: 'member' });
  release([TALK]);
  await settled();
  assert.equal(client.store.state.myRooms.size, 0);
  assert.deepEqual([client.storage.myRooms('a5'), client.storage.myRooms('a1')], [[], []]);
});

test('news that came while the list was on its way is newer than the list', async () => {
  const other = { ...TALK, id: '@a1a3', with: { user_id: 'a3', username: 'রিনা' } };
  const client = await signedIn({ listMyRooms: [TALK, other] });
  let release = null;
  client.answers.listMyRooms = () => new Promise((resolve) => { release = resolve; });
  await newsOf(client, { type: 'my_rooms_changed' });
  client.socket().say({ type: 'inbox', room_id: '@a1a2', seq: 4, from: { user_id: 'a2', username: 'করিম' }, preview: 'আসুন', mention: false });
  client.socket().say({ type: 'read', room_id: '@a1a3', seq: 3 });
  release([TALK, other]);
  await settled();
  assert.deepEqual(['@a1a2', '@a1a3'].map((id) => marksOf(client.store.state, id).unread), [3, 0]);
});

test('after a new epoch with lower numbers messages count again', async () => {
  const client = await signedIn({ listMyRooms: [{ ...TALK, seq: 90, read_seq: 90, unread: 0, mentions: 0 }] });
  client.answers.listMyRooms = [{ ...TALK, seq: 2, read_seq: 2, unread: 0, mentions: 0 }];
  await newsOf(client, { type: 'my_rooms_changed' });
  client.socket().say({ type: 'inbox', room_id: '@a1a2', seq: 3, from: { user_id: 'a2', username: 'করিম' }, preview: 'আসুন', mention: false });
  assert.equal(marksOf(client.store.state, '@a1a2').unread, 1);
});

test('a room that another device has read is read here', async () => {
  const client = await signedIn({ listMyRooms: [TALK] });
  client.socket().say({ type: 'read', room_id: '@a1a2', seq: 3 });
  assert.deepEqual(marksOf(client.store.state, '@a1a2'), { unread: 0, mentions: 0 });
  client.chat.openRoom('@a1a2');
  client.socket().say(joined('@a1a2', { seq: 3, read_seq: 3, messages: [] }));
  client.chat.openRoom('general');
  client.socket().say(message(4, { room_id: '@a1a2' }));
  client.socket().say({ type: 'read', room_id: '@a1a2', seq: 4 });
  assert.equal(marksOf(client.store.state, '@a1a2').unread, 0);
});

test('a first join begins at the first unread message, and the server is told what was read', async () => {
  const client = await signedIn({ listMyRooms: [{ id: 'general', seq: 5, unread: 9 }] });
  client.chat.openRoom('চা');
  client.socket().say(joined('চা', { seq: 5, read_seq: 2, messages: messages(1, 5) }));
  const room = () => client.store.state.rooms.get('চা');
  assert.deepEqual([room().unread, room().dividerSeq], [3, 2]);
  looksAt(client, 'চা');
  client.socket().say(message(6, { room_id: 'চা' }));
  client.clock.advance(1_000);
  assert.deepEqual(client.socket().sentOf('read'), [{ type: 'read', room_id: 'চা', seq: 6 }]);
  client.clock.advance(5_000);
  assert.equal(client.socket().sentOf('read').length, 1, 'once is enough');
});

test('the list of the server counts the unread messages above the first page', async () => {
  const client = await signedIn();
  client.chat.openRoom('চা');
  client.socket().say(joined('চা', { seq: 90, read_seq: 12, messages: messages(60, 90) }));
  assert.equal(marksOf(client.store.state, 'চা').unread, 31);
  client.answers.listMyRooms = [{ id: 'চা', seq: 90, read_seq: 12, unread: 70 }];
  await newsOf(client, { type: 'my_rooms_changed' });
  assert.equal(marksOf(client.store.state, 'চা').unread, 70);
});

test('a room that was never read has no unread line, and a server without cursors is told nothing', async () => {
  const client = await signedIn({}, { seq: 3, messages: messages(1, 3) });
  client.clock.advance(5_000);
  assert.deepEqual(client.socket().sentOf('read'), []);
  client.chat.openRoom('চা');
  client.socket().say(joined('চা', { seq: 3, read_seq: 0, messages: messages(1, 3) }));
  assert.deepEqual([client.store.state.rooms.get('চা').unread, client.store.state.rooms.get('চা').dividerSeq], [0, null]);
});

test('a new room and a conversation are known by name before the list comes', async () => {
  const client = await signedIn({ createRoom: { id: '!yyyyyyyy', title: 'নতুন', owner: 'a1' }, converse: { id: '@a1a2', with: { user_id: 'a2', username: 'করিম' } } });
  assert.deepEqual(await client.myRooms.create('নতুন'), { problem: null, room: '!yyyyyyyy' });
  assert.deepEqual(await client.myRooms.converse('a2'), { problem: null, room: '@a1a2' });
  assert.deepEqual(['!yyyyyyyy', '@a1a2'].map((id) => titleOf(client.store.state, id)), ['নতুন', 'করিম']);
});

test('a refusal is a problem in words', async () => {
  const refusal = Object.assign(new Error('x'), { status: 403, code: 'forbidden', details: {} });
  const client = await signedIn({ addMember: refusal });
  assert.equal((await client.myRooms.add('!yyyyyyyy', 'a2')).problem.key, 'order_forbidden');
});

test('a person who is taken out of a private room does not see it any more', async () => {
  const client = await signedIn({ listMyRooms: [{ id: '!xxxxxxxx', title: 'দল' }], listMembership: { data: [{ user_id: 'a1', username: 'মিতা' }], owner: 'a9' } });
  client.chat.openRoom('!xxxxxxxx');
  client.socket().say(joined('!xxxxxxxx'));
  await settled();
  assert.deepEqual(client.store.state.memberships.get('!xxxxxxxx').owner, 'a9');
  client.socket().say({ type: 'left', room_id: '!xxxxxxxx', reason: 'removed' });
  assert.equal(client.store.state.myRooms.has('!xxxxxxxx'), false);
});
