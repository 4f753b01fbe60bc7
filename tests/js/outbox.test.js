import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_ENTRIES } from '../../public/js/state/timeline/timeline.js';
import { pendingIn } from '../../public/js/state/timeline/rows.js';
import { WELCOME, clientInGeneral, fakeClient, joined, message, messages } from './fakes.js';

const AUTH = { type: 'auth_success', user_id: 'guest-1', username: 'রহিম', token: 'token-guest-1' };
const texts = (socket) => socket.sentOf('text').map(({ content, nonce }) => ({ content, nonce }));
const acked = ({ nonce }, seq, fields) => ({ type: 'ack', nonce, id: `m${seq}`, room_id: 'general', epoch: 'e1', seq,
  timestamp: '2026-11-20T08:00:00.000Z', duplicate: false, ...fields });
const shown = ({ store }) => store.state.rooms.get('general').timeline.entries.map(({ seq, key }) => [seq, key]);
const pending = ({ store }) => pendingIn(store.state.outbox, 'general').map(({ state }) => state);

function reconnected(client, frame = joined('general', { recovered: true })) {
  client.clock.advance(1_000);
  client.socket().say(WELCOME);
  client.socket().say(AUTH);
  client.socket().say(frame);
}

test('a message that is written without a connection is kept and sent when there is one', () => {
  const client = fakeClient();
  client.chat.enter('রহিম', 'general');
  client.chat.post('general', 'হ্যালো');
  assert.deepEqual(pending(client), ['queued']);
  client.socket().say(WELCOME);
  client.socket().say(joined('general'));
  assert.deepEqual(texts(client.socket()).map(({ content }) => content), ['হ্যালো']);
});

test('an unanswered message goes out again on the next connection with the same nonce, and is shown once', () => {
  const client = clientInGeneral();
  client.chat.post('general', 'হ্যালো');
  const [first] = texts(client.socket());
  client.socket().end(1006);
  assert.deepEqual(pending(client), ['queued']);
  reconnected(client, joined('general', { recovered: true, seq: 1,
    messages: [message(1, { user_id: 'guest-1', content: 'হ্যালো', timestamp: new Date(client.clock.now()).toISOString() })] }));
  assert.deepEqual(texts(client.socket()), [first]);
  assert.deepEqual(pending(client), [], 'the echo already shows it');
  client.socket().say(acked(first, 1, { duplicate: true }));
  assert.deepEqual(shown(client), [[1, first.nonce]]);
  assert.deepEqual(client.store.state.outbox, []);
});

for (const order of ['ack then echo', 'echo then ack']) {
  test(`one message is one row that keeps its element: ${order}`, () => {
    const client = clientInGeneral();
    client.chat.post('general', 'হ্যালো');
    const [sent] = texts(client.socket());
    const echo = message(1, { user_id: 'guest-1', content: 'হ্যালো', timestamp: new Date(client.clock.now()).toISOString() });
    const frames = [acked(sent, 1), echo];
    if (order === 'echo then ack') frames.reverse();
    for (const frame of frames) {
      client.socket().say(frame);
      assert.deepEqual(shown(client), [[1, sent.nonce]]);
      assert.deepEqual(pending(client), []);
    }
    assert.deepEqual(client.store.state.outbox, []);
  });
}

test('messages of a room are sent one after another, in the order of writing', () => {
  const client = clientInGeneral();
  for (const content of ['ক', 'খ', 'গ']) client.chat.post('general', content);
  assert.equal(texts(client.socket()).length, 1);
  client.socket().say(acked(texts(client.socket())[0], 1));
  client.socket().say(acked(texts(client.socket())[1], 2));
  assert.deepEqual(texts(client.socket()).map(({ content }) => content), ['ক', 'খ', 'গ']);
});

test('"unavailable" is tried again after the time it names, with the same nonce and before later ones', () => {
  const client = clientInGeneral();
  client.chat.post('general', 'ক');
  client.chat.post('general', 'খ');
  const [first] = texts(client.socket());
  client.socket().say({ type: 'error', code: 'unavailable', nonce: first.nonce, room_id: 'general', retry_after_ms: 800 });
  client.clock.advance(799);
  assert.equal(texts(client.socket()).length, 1);
  client.clock.advance(10);
  assert.deepEqual(texts(client.socket()), [first, first]);
});

test('a refusal is shown with its reason, blocks nothing, and can be retried or discarded', () => {
  const client = clientInGeneral();
  client.chat.post('general', 'ক');
  client.chat.post('general', 'খ');
  const [first] = texts(client.socket());
  client.socket().say({ type: 'error', code: 'content_refused', nonce: first.nonce, room_id: 'general' });
  assert.equal(client.store.state.outbox[0].reason, 'content_refused');
  assert.equal(texts(client.socket())[1].content, 'খ');
  client.socket().say(acked(texts(client.socket())[1], 1));
  client.chat.retry(first.nonce);
  assert.deepEqual(texts(client.socket())[2], first);
  client.socket().say({ type: 'error', code: 'content_refused', nonce: first.nonce, room_id: 'general' });
  client.chat.discard(first.nonce);
  assert.deepEqual(client.store.state.outbox, []);
});

test('a message without an ack is sent again', () => {
  const client = clientInGeneral();
  client.chat.post('general', 'ক');
  client.socket().say({ type: 'pong' });
  client.clock.advance(15_000);
  const [first, second] = texts(client.socket());
  assert.deepEqual(second, first);
});

test('unsent messages survive a reload, and are sent once by their nonce', () => {
  const before = clientInGeneral();
  before.chat.post('general', 'ক');
  before.chat.post('general', 'খ');
  const [sent] = texts(before.socket());

  const after = fakeClient({ local: before.local, session: before.session });
  after.chat.enter('রহিম', 'general');
  after.socket().say(WELCOME);
  assert.deepEqual(after.socket().sent[0], { type: 'auth', token: 'token-guest-1' });
  after.socket().say(AUTH);
  after.socket().say(joined('general'));
  assert.deepEqual(texts(after.socket()), [sent]);
  after.socket().say(acked(sent, 1, { duplicate: true }));
  after.socket().say(acked(texts(after.socket())[1], 2));
  assert.deepEqual(after.storage.outboxOf('রহিম'), []);
});

test('two tabs keep each other\'s unsent messages', () => {
  const one = clientInGeneral();
  const other = fakeClient({ local: one.local });
  other.chat.enter('রহিম', 'general');
  one.chat.post('general', 'ক');
  other.chat.post('general', 'খ');
  const kept = one.storage.outboxOf('রহিম').map(({ content }) => content);
  assert.deepEqual(kept.sort(), ['ক', 'খ']);
});

test('unsent messages wait for their author', () => {
  const before = clientInGeneral();
  before.chat.post('general', 'ক');
  const other = fakeClient({ local: before.local });
  other.chat.enter('করিম', 'general');
  assert.deepEqual(other.store.state.outbox, []);
  other.chat.exit();
  other.chat.enter('রহিম', 'general');
  assert.deepEqual(other.store.state.outbox.map(({ content }) => content), ['ক']);
  other.chat.exit();
  other.chat.enter('করিম', 'general');
  assert.equal(other.storage.outboxOf('রহিম').length, 1);
});

test('signing out leaves no unsent message in the browser, and says before how many there are', () => {
  const client = clientInGeneral();
  client.chat.post('general', 'পাঠানো হচ্ছে');
  assert.equal(client.chat.countUnsent(), 0, 'it is on its way');
  client.socket().end(1006);
  client.chat.post('general', 'ক');
  assert.equal(client.chat.countUnsent(), 2);
  const other = fakeClient({ local: client.local });
  other.chat.enter('করিম', 'general');
  other.chat.post('general', 'খ');
  client.chat.signOut();
  assert.deepEqual(client.store.state.outbox, []);
  assert.deepEqual([client.storage.outboxOf('রহিম').length, client.storage.outboxOf('করিম').length], [0, 1]);
});

test('a message that was sent before the server forgot us is not sent again unasked', () => {
  const before = clientInGeneral();
  before.chat.post('general', 'ক');
  const after = fakeClient({ local: before.local });
  after.chat.enter('রহিম', 'general');
  after.socket().say({ ...WELCOME, user_id: 'guest-2', token: 'token-2' });
  after.socket().say({ type: 'error', code: 'bad_token', content: '…' });
  after.socket().say(joined('general'));
  assert.deepEqual(texts(after.socket()), []);
  assert.deepEqual(after.store.state.outbox.map(({ state, reason }) => [state, reason]), [['failed', 'other_user']]);
});

test('a message that made the server close for good is not sent again by itself', () => {
  const client = clientInGeneral();
  client.chat.post('general', 'ক');
  client.socket().end(1009);
  assert.deepEqual(client.store.state.outbox.map(({ state, reason }) => [state, reason]), [['failed', 'too_big']]);
  assert.equal(client.storage.outboxOf('রহিম')[0].state, 'failed');
});

test('a permanent refusal fails only messages in flight', () => {
  const client = clientInGeneral();
  client.socket().end(1006);
  client.chat.post('general', 'ক');
  client.clock.advance(1_000);
  client.socket().say(WELCOME);
  client.socket().end(4403);
  assert.deepEqual(pending(client), ['queued']);
});

test('an older message with the same text is not taken for the pending one', () => {
  const client = clientInGeneral();
  client.chat.post('general', 'ok');
  client.socket().end(1006);
  reconnected(client, joined('general', { seq: 1, recovered: true,
    messages: [message(1, { user_id: 'guest-1', content: 'ok', timestamp: '2020-01-01T00:00:00Z' })] }));
  assert.deepEqual(pending(client), ['sending']);
});

test('a reader of history who writes is brought to the newest page', async () => {
  const pages = [{ data: messages(301, 350), epoch: 'e1', next: 'x' }].values();
  const client = clientInGeneral({ pages: { next: () => pages.next().value } });
  const say = (list) => list.forEach((it) => client.socket().say(it));
  client.store.dispatch({ type: 'following_changed', room: 'general', isFollowing: false });
  say(messages(1, MAX_ENTRIES));
  say(messages(MAX_ENTRIES + 1, 350));
  client.chat.post('general', 'ক');
  await Promise.resolve();
  await Promise.resolve();
  const { timeline } = client.store.state.rooms.get('general');
  assert.deepEqual([timeline.entries[0].seq, timeline.hasNewer, timeline.isFollowing], [301, false, true]);
});

test('storage that refuses everything stops nothing', () => {
  const broken = { entries: new Map(), getItem() { throw new Error('no'); }, setItem() { throw new Error('no'); } };
  const client = clientInGeneral({ local: broken, session: broken });
  client.chat.post('general', 'ক');
  assert.equal(texts(client.socket()).length, 1);
});

test('an item older than a nonce lasts is asked about, by the server\'s time', () => {
  const before = fakeClient();
  before.chat.enter('রহিম', 'general');
  before.chat.post('general', 'ক');
  const clock = before.clock;
  clock.advance(23 * 3_600_000 - 1_000);
  const young = fakeClient({ local: before.local, clock });
  young.chat.enter('রহিম', 'general');
  young.socket().say(WELCOME);
  // Their clock is right; ours runs behind.
  const old = fakeClient({ local: before.local, clock });
  old.chat.enter('রহিম', 'general');
  old.socket().say({ ...WELCOME, timestamp: new Date(clock.now() + 3_600_000).toISOString() });
  old.socket().say(AUTH);
  for (const client of [young, old]) client.socket().say(joined('general'));
  assert.equal(texts(young.socket()).length, 1);
  assert.deepEqual(texts(old.socket()), []);
  assert.deepEqual(old.store.state.outbox.map(({ state, reason }) => [state, reason]), [['failed', 'expired']]);
  old.chat.retry(old.store.state.outbox[0].nonce);
  assert.equal(texts(old.socket()).length, 1, 'it was asked about');
});

test('a room with unsent messages is listed while another one is open', () => {
  const before = fakeClient();
  before.chat.enter('রহিম', 'চা');
  before.chat.post('চা', 'ক');
  const after = fakeClient({ local: before.local });
  after.chat.enter('রহিম', 'general');
  assert.deepEqual([...after.store.state.rooms.keys()], ['general', 'চা']);
  assert.equal(after.store.state.active, 'general');
});

test('a clock that is set back delays no message', () => {
  const client = clientInGeneral();
  client.chat.post('general', 'ক');
  const [first] = texts(client.socket());
  client.sleep(-3_600_000);
  client.socket().say({ type: 'error', code: 'unavailable', nonce: first.nonce, room_id: 'general', retry_after_ms: 800 });
  client.clock.advance(900);
  assert.equal(texts(client.socket()).length, 2);
});

test('invisible text, lone surrogates and U+0000 are not sent', () => {
  const client = clientInGeneral();
  for (const content of [' \u3164\n', '\u200b', '\0']) client.chat.post('general', content);
  assert.deepEqual(client.store.state.outbox, []);
  client.chat.post('general', 'a\ud83d\0b');
  assert.equal(texts(client.socket())[0].content, 'a\ufffdb');
});

test('an item that one tab sent or discarded is gone from the others', () => {
  const one = fakeClient();
  one.chat.enter('রহিম', 'general');
  one.chat.post('general', 'ক');
  const other = fakeClient({ local: one.local });
  other.chat.enter('রহিম', 'general');
  const [{ nonce }] = other.store.state.outbox;
  one.chat.discard(nonce);
  // The browser tells the other tabs of it.
  other.chat.onStorageChanged('adda.identities', null);
  other.chat.onStorageChanged(`adda.outbox.${nonce}`, '{}');
  assert.equal(other.store.state.outbox.length, 1);
  other.chat.onStorageChanged(`adda.outbox.${nonce}`, null);
  assert.deepEqual(other.store.state.outbox, []);
});
