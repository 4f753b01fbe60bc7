import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientInGeneral, fakeClient, joined, looksAt, message, messages, WELCOME } from './fakes.js';

const AUTH = { type: 'auth_success', user_id: 'guest-1', username: 'রহিম', token: 'token-guest-1' };
const timelineOf = (client, room = 'general') => client.store.state.rooms.get(room).timeline;

function visited(list = messages(1, 3)) {
  const client = clientInGeneral();
  list.forEach((it) => client.socket().say(it));
  client.chat.keepHistory();
  return client;
}

function back(before, clock = before.clock) {
  const client = fakeClient({ local: before.local, clock });
  client.chat.enter('রহিম', 'general');
  return client;
}

test('a visit begins with the last messages of the one before, also without a network', () => {
  const client = back(visited(messages(1, 80)));
  const { entries, hasOlder, head, epoch } = timelineOf(client);
  assert.deepEqual([entries.length, entries[0].seq, hasOlder, head, epoch], [50, 31, true, 80, 'e1']);
});

test('only later messages are requested, and they are unread after an absence', () => {
  const before = visited();
  before.clock.advance(3_600_000);
  const client = back(before);
  looksAt(client, 'general');
  client.socket().say(WELCOME);
  client.socket().say(AUTH);
  assert.deepEqual(client.socket().sentOf('join')[0].since, { epoch: 'e1', seq: 3 });
  client.socket().say(joined('general', { seq: 4, recovered: true, messages: [message(4)] }));
  const room = client.store.state.rooms.get('general');
  assert.deepEqual([timelineOf(client).entries.length, room.unread, room.dividerSeq], [4, 1, 3]);
});

test('signing out leaves nothing to read', () => {
  const before = visited();
  before.chat.exit();
  assert.deepEqual(timelineOf(back(before)).entries, []);
});

test('a foreign value in the storage begins no timeline', () => {
  for (const rooms of [[null], [{}], [{ room: 'general', epoch: 'e1', head: 1, messages: [] }], [{ room: 'general', epoch: 'e1', head: 0, messages: [message(1)] }],
    [{ room: 'general', epoch: 'e1', head: 1, messages: [{ ...message(1), content: 5 }] }], [{ room: 'general', epoch: 'e1', head: 1, messages: [{ ...message(1), timestamp: 'x' }] }]]) {
    const before = fakeClient();
    before.local.setItem('adda.history.রহিম', JSON.stringify({ savedAt: 1, rooms }));
    assert.deepEqual(timelineOf(back(before)).entries, [], JSON.stringify(rooms));
  }
});

test('a room without its newest messages is not kept, and long messages are limited', () => {
  const long = visited([message(1, { content: 'x'.repeat(90_000) }), message(2, { content: 'y'.repeat(90_000) })]);
  assert.deepEqual(timelineOf(back(long)).entries.map(({ seq }) => seq), [2]);
  const gap = clientInGeneral();
  gap.socket().say(message(1));
  gap.socket().say({ type: 'gap', room_id: 'general', from: 2, to: 4 });
  gap.chat.keepHistory();
  assert.deepEqual(timelineOf(back(gap)).entries, []);
});
