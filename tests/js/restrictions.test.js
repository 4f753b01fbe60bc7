// Obstacles to writing: each says how long, ends by itself, and loses or reorders nothing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isHeldBack, noticeFor } from '../../public/js/state/rooms/restrictions.js';
import { clientInGeneral } from './fakes.js';

const texts = (client) => client.socket().sentOf('text');
const contents = (client) => texts(client).map(({ content }) => content);
const tick = (client) => client.store.dispatch({ type: 'ticked', now: client.clock.now() });
const notice = (client, room = 'general') => noticeFor(client.store.state, room, client.clock.now());
const acked = ({ nonce, content }, seq) =>
  ({ type: 'ack', nonce, id: `m${seq}`, room_id: 'general', epoch: 'e1', seq, timestamp: '2026-11-20T08:00:00.000Z', duplicate: false, content });

function refuse(client, code, fields = {}) {
  client.socket().say({ type: 'error', code, room_id: 'general', nonce: texts(client).at(-1).nonce, content: '…', ...fields });
}

test('a muted person learns for how long, and may write again after it', () => {
  const client = clientInGeneral();
  client.chat.post('general', 'ক');
  refuse(client, 'muted', { retry_after_ms: 90_000 });
  assert.deepEqual(notice(client), { kind: 'muted', seconds: 90 });
  assert.equal(notice(client, 'চা'), null);
  assert.ok(isHeldBack(client.store.state, 'general', client.clock.now()));
  client.clock.advance(20_000);
  tick(client);
  assert.deepEqual(notice(client), { kind: 'muted', seconds: 70 });
  client.clock.advance(70_000);
  tick(client);
  assert.equal(notice(client), null);
  assert.ok(!isHeldBack(client.store.state, 'general', client.clock.now()));
});

// The first try comes soon, and is refused too.
function refuseTwice(client, code, retryAfterMs) {
  refuse(client, code, { retry_after_ms: retryAfterMs });
  client.clock.advance(2_001);
  refuse(client, code, { retry_after_ms: retryAfterMs && retryAfterMs - 2_001 });
}

test('a node that learns late of the end of a mute gets a message soon again', () => {
  const client = clientInGeneral();
  client.chat.post('general', 'ক');
  refuse(client, 'muted', { retry_after_ms: 86_400_000 });
  client.clock.advance(1_900);
  assert.deepEqual(contents(client), ['ক']);
  client.clock.advance(101);
  assert.deepEqual(contents(client), ['ক', 'ক']);
});

test('a mute that ends early is noticed by a try, from the outbox or the composer', () => {
  const client = clientInGeneral();
  client.chat.post('general', 'ক');
  refuseTwice(client, 'muted', 86_400_000);
  client.clock.advance(19_000);
  assert.ok(isHeldBack(client.store.state, 'general', client.clock.now()));
  client.clock.advance(1_100);
  assert.ok(!isHeldBack(client.store.state, 'general', client.clock.now()), 'the composer may try');
  assert.deepEqual(contents(client), ['ক', 'ক', 'ক']);
  client.socket().say(acked(texts(client).at(-1), 1));
  assert.equal(notice(client), null);
});

test('messages that wait for the end of a mute go out then, in their order', () => {
  const client = clientInGeneral();
  for (const content of ['ক', 'খ']) client.chat.post('general', content);
  refuseTwice(client, 'muted', 15_000);
  client.clock.advance(12_000);
  assert.deepEqual(contents(client), ['ক', 'ক']);
  client.clock.advance(1_100);
  assert.deepEqual(contents(client), ['ক', 'ক', 'ক']);
  client.socket().say(acked(texts(client).at(-1), 1));
  assert.deepEqual(contents(client), ['ক', 'ক', 'ক', 'খ']);
});

test('messages to a locked room wait in their order and are tried from time to time', () => {
  const client = clientInGeneral();
  for (const content of ['ক', 'খ']) client.chat.post('general', content);
  refuseTwice(client, 'room_locked');
  client.clock.advance(19_000);
  assert.deepEqual(contents(client), ['ক', 'ক']);
  client.clock.advance(1_100);
  tick(client);
  assert.equal(notice(client).kind, 'room_locked', 'as long as nothing else is known');
  assert.deepEqual(contents(client), ['ক', 'ক', 'ক']);
  client.socket().say(acked(texts(client).at(-1), 1));
  assert.equal(notice(client), null, 'what is taken shows that the room is open');
  assert.deepEqual(contents(client), ['ক', 'ক', 'ক', 'খ']);
});

test('a lock does not hold back a moderator', () => {
  const client = clientInGeneral();
  client.chat.post('general', 'ক');
  refuse(client, 'room_locked');
  client.store.dispatch({ type: 'identified', userId: 'guest-1', username: 'রহিম', role: 'moderator' });
  assert.equal(notice(client), null);
  assert.ok(!isHeldBack(client.store.state, 'general', client.clock.now()));
});

test('a person who writes too fast goes on writing, and is told when the rest goes out', () => {
  const client = clientInGeneral();
  for (const content of ['ক', 'খ']) client.chat.post('general', content);
  refuse(client, 'too_fast', { retry_after_ms: 4_000 });
  assert.deepEqual(notice(client), { kind: 'too_fast', seconds: 4 });
  assert.ok(!isHeldBack(client.store.state, 'general', client.clock.now()));
  client.clock.advance(4_001);
  tick(client);
  assert.equal(notice(client), null);
  assert.deepEqual(contents(client), ['ক', 'ক']);
});

test('the restrictions of one person are not those of the next', () => {
  const client = clientInGeneral();
  client.chat.post('general', 'ক');
  refuse(client, 'muted', { retry_after_ms: 90_000 });
  client.store.dispatch({ type: 'identified', userId: 'somebody', username: 'করিম', role: 'guest' });
  assert.equal(notice(client), null);
});
