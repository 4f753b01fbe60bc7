// Several tabs of one browser: one sends, a message shown in one is read in all, one notifies.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTabs } from '../../public/js/app/tabs/tabs.js';
import { createNotifyOnce } from '../../public/js/app/tabs/notify_once.js';
import { totalUnread } from '../../public/js/state/chat.js';
import { FakeClock, WELCOME, fakeArea, fakeBrowser, fakeClient, joined, looksAt, message, settled } from './fakes.js';

const contents = (client) => client.store.state.outbox.map(({ content }) => content);
const posts = (client) => client.socket().sentOf('text').map(({ content }) => content);

/** A tab of `browser` that has joined as রহিম and is in #general, online unless said otherwise. */
async function entered({ browser, local, clock }, { isOnline = true, name = 'রহিম' } = {}) {
  const tab = browser.tab();
  const client = fakeClient({ local, clock, browser: tab });
  client.chat.enter(name, 'general');
  await settled();
  if (isOnline) online(client, name);
  return Object.assign(client, { tab });
}

function online(client, username = 'রহিম') {
  client.socket().say({ ...WELCOME, username });
  // A name that this browser knows proves itself by its token.
  client.socket().say({ type: 'auth_success', user_id: 'guest-1', username, token: 't' });
  client.socket().say(joined('general'));
  looksAt(client, 'general');
}

const oneBrowser = () => ({ browser: fakeBrowser(), local: fakeArea(), clock: new FakeClock() });

test('a message that waits in one tab is not sent by another one', async () => {
  const shared = oneBrowser();
  const writer = await entered(shared, { isOnline: false });
  writer.chat.post('general', 'এক');
  const other = await entered(shared);
  assert.deepEqual(contents(other), []);
  assert.deepEqual(posts(other), []);
  online(writer);
  assert.deepEqual(posts(writer), ['এক']);
});

test('when a tab is closed another one sends its unsent messages, in order', async () => {
  const shared = oneBrowser();
  const writer = await entered(shared, { isOnline: false });
  for (const text of ['এক', 'দুই']) {
    writer.chat.post('general', text);
    shared.clock.advance(10);
  }
  const others = [await entered(shared), await entered(shared)];
  writer.tab.close();
  await settled();
  const senders = others.filter((it) => contents(it).length > 0);
  assert.equal(senders.length, 1);
  assert.deepEqual(contents(senders[0]), ['এক', 'দুই']);
  assert.deepEqual(posts(senders[0]), ['এক'], 'the second after the ack of the first');
});

test('an item that is written after another tab has opened is taken over by it, too', async () => {
  const shared = oneBrowser();
  const writer = await entered(shared, { isOnline: false });
  const other = await entered(shared);
  writer.chat.post('general', 'এক');
  const { nonce } = writer.store.state.outbox[0];
  other.chat.onStorageChanged(`adda.outbox.${nonce}`, shared.local.getItem(`adda.outbox.${nonce}`));
  assert.deepEqual(contents(other), []);
  writer.tab.close();
  await settled();
  assert.deepEqual(posts(other), ['এক']);
});

test('a page restored from the cache takes back only messages that no other tab has taken', async () => {
  const shared = oneBrowser();
  const writer = await entered(shared, { isOnline: false });
  const other = await entered(shared, { isOnline: false });
  writer.chat.post('general', 'এক');
  const { nonce } = writer.store.state.outbox[0];
  other.chat.onStorageChanged(`adda.outbox.${nonce}`, shared.local.getItem(`adda.outbox.${nonce}`));
  writer.chat.suspend();
  await settled();
  assert.deepEqual(contents(other), ['এক']);
  writer.chat.resume();
  await settled();
  assert.deepEqual(contents(writer), []);
  assert.notEqual(shared.local.getItem(`adda.outbox.${nonce}`), null);
});

test('a page restored from the cache without other tabs has all its messages', async () => {
  const shared = oneBrowser();
  const writer = await entered(shared, { isOnline: false });
  writer.chat.post('general', 'এক');
  writer.chat.suspend();
  writer.chat.resume();
  await settled();
  assert.deepEqual(contents(writer), ['এক']);
});

test('a guest who leaves in one tab keeps what another tab has not sent, and an account does not', async () => {
  for (const [account, left] of [[null, ['দুই']], [{ userId: 'a1', username: 'রহিম', role: 'member' }, []]]) {
    const shared = oneBrowser();
    const clients = [];
    for (const content of ['এক', 'দুই']) {
      const client = fakeClient({ local: shared.local, clock: shared.clock, browser: shared.browser.tab() });
      client.chat.enter('রহিম', 'general', account);
      await settled();
      client.chat.post('general', content);
      clients.push(client);
    }
    assert.equal(clients[0].chat.countUnsent(), 2 - left.length);
    clients[0].chat.signOut();
    await settled();
    assert.deepEqual(clients[0].storage.outboxOf('রহিম').map(({ content }) => content), left);
  }
});

test('unsent messages of another name wait for it, also after a change of name', async () => {
  const shared = oneBrowser();
  const client = await entered(shared, { isOnline: false });
  client.chat.post('general', 'রহিমের কথা');
  client.chat.exit();
  client.chat.enter('করিম', 'general');
  await settled();
  assert.deepEqual(contents(client), []);
  const other = await entered(shared, { isOnline: false });
  assert.deepEqual(contents(other), ['রহিমের কথা']);
});

test('a room that one tab has shown is read in the others of that name, up to there', async () => {
  const shared = oneBrowser();
  const [reader, other] = [await entered(shared), await entered(shared)];
  const namesake = await entered(shared, { name: 'করিম' });
  for (const client of [other, namesake]) client.store.dispatch({ type: 'attention_changed', isAttentive: false });
  for (const client of [other, namesake]) client.socket().say(message(1));
  assert.equal(totalUnread(other.store.state), 1);
  reader.socket().say(message(1));
  assert.equal(totalUnread(other.store.state), 0);
  assert.equal(totalUnread(namesake.store.state), 1, 'another name has its own');
  reader.socket().say(message(2));
  other.socket().say(message(2));
  assert.equal(totalUnread(other.store.state), 0, 'read there before it came here');
  other.socket().say(message(3));
  assert.equal(totalUnread(other.store.state), 1);
});

test('numbers of another epoch mark nothing as read', async () => {
  const shared = oneBrowser();
  const [reader, other] = [await entered(shared), await entered(shared)];
  other.store.dispatch({ type: 'attention_changed', isAttentive: false });
  other.socket().say(message(1));
  reader.socket().say({ type: 'reset', room_id: 'general', epoch: 'e2', seq: 5 });
  reader.socket().say(message(6));
  assert.equal(totalUnread(other.store.state), 1);
});

test('of many tabs one notifies', async () => {
  const browser = fakeBrowser();
  const clock = new FakeClock();
  const told = [];
  const tell = (name) => {
    const { locks } = browser.tab();
    createTabs({ locks, BroadcastChannel: null }).once('adda.told general 1', 1_000, clock, () => told.push(name));
  };
  for (const name of ['a', 'b', 'c']) tell(name);
  await settled();
  assert.deepEqual(told, ['a']);
  clock.advance(1_000);
  await settled();
  assert.equal(browser.held.size, 0);
});

test('a browser that refuses locks or lacks them leaves each tab by itself', async () => {
  const refusing = { request: () => Promise.reject(new Error('no')), query: () => Promise.reject(new Error('no')) };
  const { warn } = console;
  console.warn = () => {};
  for (const locks of [null, refusing]) {
    const local = fakeArea();
    const clock = new FakeClock();
    const writer = fakeClient({ local, clock, browser: { locks } });
    writer.chat.enter('রহিম', 'general');
    writer.chat.post('general', 'এক');
    const other = fakeClient({ local, clock, browser: { locks } });
    other.chat.enter('রহিম', 'general');
    await settled();
    assert.deepEqual(contents(other), ['এক'], 'the nonce keeps it from being posted twice');
    const told = [];
    createTabs({ locks, BroadcastChannel: null }).once('x', 1, clock, () => told.push(1));
    await settled();
    assert.deepEqual(told, [1]);
  }
  console.warn = warn;
});

test('one hidden tab notifies of a message, and none while another is visible', async () => {
  const shared = oneBrowser();
  const told = [];
  const tabs = [];
  for (const name of ['a', 'b']) {
    const client = await entered(shared);
    const notifyOnce = createNotifyOnce({ store: client.store, tabs: createTabs({ ...client.tab }), timers: shared.clock });
    client.store.dispatch({ type: 'attention_changed', isAttentive: false });
    tabs.push({ client, tell: (seq) => notifyOnce(message(seq), () => told.push(`${name}${seq}`)) });
  }
  const tellAll = async (seq) => {
    for (const { tell } of tabs) tell(seq);
    await settled();
  };
  await tellAll(1);
  await tellAll(2);
  assert.deepEqual(told, ['a1', 'a2']);
  tabs[1].client.store.dispatch({ type: 'attention_changed', isAttentive: true });
  await settled();
  await tellAll(3);
  assert.deepEqual(told, ['a1', 'a2']);
  tabs[1].client.tab.close();
  await settled();
  tabs[0].tell(4);
  await settled();
  assert.deepEqual(told, ['a1', 'a2', 'a4'], 'a tab that is closed is not looked at');
});
