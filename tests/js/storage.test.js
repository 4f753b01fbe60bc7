import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WELCOME, clientInGeneral, fakeClient, joined } from './fakes.js';

test('two tabs of one browser may be two people, over a reload too', () => {
  const one = clientInGeneral();
  const other = fakeClient({ local: one.local });
  other.chat.enter('করিম', 'general');
  other.socket().say({ ...WELCOME, user_id: 'guest-2', username: 'করিম', token: 'token-2' });
  assert.deepEqual(other.socket().sentOf('auth'), []);
  assert.equal(one.storage.tab().username, 'রহিম');
  assert.equal(other.storage.tab().username, 'করিম');
  assert.deepEqual([one.storage.tokenOf('রহিম'), one.storage.tokenOf('করিম')], ['token-guest-1', 'token-2']);
});

test('a tab remembers its rooms, the one on screen first, until its person leaves', () => {
  const client = clientInGeneral();
  client.chat.openRoom('চা');
  client.socket().say(joined('চা'));
  assert.deepEqual(client.storage.tab().rooms, ['চা', 'general']);
  client.chat.exit();
  assert.equal(client.storage.tab(), null);
  assert.equal(client.storage.name(), 'রহিম');
});

test('drafts are kept by room, and an empty one is none', () => {
  const { storage, local } = fakeClient();
  storage.keepDraft('general', 'আধা লে');
  assert.deepEqual([storage.draft('general'), storage.draft('চা')], ['আধা লে', '']);
  storage.keepDraft('general', '');
  assert.equal(local.entries.size, 0);
});

test('what somebody else wrote into the storage is not trusted', () => {
  const { storage, local } = fakeClient();
  local.setItem('adda.outbox.x', '{');
  local.setItem('adda.outbox.y', '"text"');
  assert.deepEqual(storage.outboxOf('রহিম'), []);
});

test('a name finds its rooms again, the last one first, until it leaves them', () => {
  const client = clientInGeneral();
  client.chat.openRoom('চা');
  client.chat.exit();
  assert.deepEqual(client.storage.roomsOf('রহিম'), ['চা', 'general']);
  assert.deepEqual(client.storage.roomsOf('করিম'), []);
  client.chat.enter('রহিম', 'general');
  client.chat.leaveRoom('general');
  assert.deepEqual(client.storage.roomsOf('রহিম'), ['চা']);
});

test('a browser knows who has not signed out', () => {
  const client = clientInGeneral();
  assert.equal(client.storage.signedIn(), 'রহিম');
  client.chat.exit();
  assert.equal(client.storage.signedIn(), null);
});
