import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRenaming } from '../../public/js/app/account/renaming.js';
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

test('drafts belong to a name and a room, and signing out ends them', () => {
  const client = clientInGeneral();
  client.chat.keepDraft('general', 'আধা লে');
  assert.deepEqual([client.chat.draft('general').text, client.chat.draft('চা').text, client.storage.draft('করিম', 'general').text], ['আধা লে', '', '']);
  client.chat.exit();
  assert.equal(client.storage.draft('রহিম', 'general').text, '');
  assert.deepEqual([...client.local.entries.keys(), ...client.session.entries.keys()].filter((key) => key.startsWith('adda.drafts')), []);
});

test('another name takes the rooms along, and what is half written in the others', () => {
  const client = clientInGeneral();
  client.chat.openRoom('চা');
  client.chat.keepDraft('general', 'আধা লে');
  client.chat.keepDraft('চা', '/nick করিম');
  createRenaming(client)('করিম');
  assert.deepEqual([...client.store.state.rooms.keys()], ['চা', 'general']);
  assert.deepEqual(['general', 'চা'].map((room) => client.chat.draft(room).text), ['আধা লে', '']);
  assert.deepEqual(['general', 'চা'].map((room) => client.storage.draft('রহিম', room).text), ['', '']);
});

test('a draft keeps the message that it answers, and nothing that is none', () => {
  const client = clientInGeneral();
  const reply = { seq: 7, user_id: 'u1', username: 'করিম', content: 'চা?' };
  client.chat.keepDraft('general', 'হ্যাঁ', reply);
  assert.deepEqual(fakeClient({ local: client.local }).storage.draft('রহিম', 'general'), { text: 'হ্যাঁ', reply });
  client.chat.keepDraft('general', '', reply);
  assert.deepEqual(client.chat.draft('general'), { text: '', reply });
  client.chat.keepDraft('general', 'হ্যাঁ', { seq: 'x' });
  assert.deepEqual(client.chat.draft('general'), { text: 'হ্যাঁ', reply: null });
});

test('a tab keeps its own draft over a reload; another one begins with the last', () => {
  const one = clientInGeneral();
  const other = fakeClient({ local: one.local });
  other.chat.enter('রহিম', 'general');
  one.chat.keepDraft('general', 'এই ট্যাব');
  other.chat.keepDraft('general', 'অন্য ট্যাব');
  const again = fakeClient({ local: one.local, session: one.session });
  assert.equal(again.storage.draft('রহিম', 'general').text, 'এই ট্যাব');
  one.chat.keepDraft('general', '');
  assert.equal(again.storage.draft('রহিম', 'general').text, '', 'an empty one is its own, too');
  assert.equal(fakeClient({ local: one.local }).storage.draft('রহিম', 'general').text, '');
});

test('a value that somebody else wrote into the storage is not trusted', () => {
  const { storage, local } = fakeClient();
  local.setItem('adda.outbox.x', '{');
  local.setItem('adda.outbox.y', '"text"');
  local.setItem('adda.outbox.z', '{"nonce":"z","username":"রহিম","room":"general","content":"x","state":"queued"}');
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

test('a browser knows the names that have not signed out', () => {
  const client = clientInGeneral();
  assert.equal(client.storage.signedIn(), 'রহিম');
  client.chat.exit();
  assert.equal(client.storage.signedIn(), null);
});

test('no content of the storage stops the chat', () => {
  for (const value of ['{"a":1}', '5', '[null]', '[{}]', '"x"', 'null', '{', '[[]]', '{"username":5}', '{"username":"","rooms":[]}', '{"rooms":"x"}']) {
    const { storage, local, session } = fakeClient();
    for (const key of ['adda.identities', 'adda.signed_in', 'adda.preferences', 'adda.rooms.রহিম', 'adda.drafts.["রহিম","general"]']) local.setItem(key, value);
    for (const key of ['adda.tab', 'adda.drafts.["রহিম","general"]']) session.setItem(key, value);
    const client = fakeClient({ local, session });
    client.chat.enter('রহিম', 'general');
    client.socket().say(WELCOME);
    client.socket().say(joined('general'));
    assert.equal(typeof storage.name(), 'string');
    assert.ok(storage.tab() === null || storage.tab().rooms.length > 0, value);
    assert.ok(storage.signedIn() === null || storage.signedIn() !== '', value);
    assert.equal(typeof storage.draft('রহিম', 'general').text, 'string');
  }
});
