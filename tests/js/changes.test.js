// Edits, deletions and reactions: those of others as they come, and our own from the click to the echo.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withOwnChanges } from '../../public/js/state/outbox/changes.js';
import { withReaction } from '../../public/js/state/timeline/changed_message.js';
import { fakeClient, joined, looksAt, message, messages, settled, WELCOME } from './fakes.js';

const timeline = (client) => client.store.state.rooms.get('general').timeline;
const entry = (client, seq) => timeline(client).entries.find((it) => it.seq === seq);
const seen = (client, seq) => withOwnChanges(timeline(client).entries, client.store.state.outbox, 'general', client.store.state.me).find((it) => it.seq === seq);
const change = (type, seq, ref, fields = {}) => ({ type, id: `c${seq}`, room_id: 'general', user_id: 'u2', username: 'করিম', ref, seq,
  timestamp: '2026-11-20T08:01:00.000Z', ...fields });

function clientWith(count = 3, page = messages(1, count)) {
  const client = fakeClient();
  client.chat.enter('রহিম', 'general');
  client.socket().say(WELCOME);
  client.socket().say(joined('general', { seq: page.at(-1)?.seq ?? 0, messages: page }));
  looksAt(client, 'general');
  return client;
}

const ack = (client, type, fields) => {
  const { nonce } = client.socket().sentOf(type).at(-1);
  client.socket().say({ type: 'ack', nonce, id: 'c9', room_id: 'general', epoch: 'e1', timestamp: '2026-11-20T08:01:00.000Z', duplicate: false, ...fields });
};

test('an edit shows the new text, a deletion none, and neither is a hole in the numbers', () => {
  const client = clientWith();
  client.socket().say(change('edit', 4, 2, { content: 'নতুন' }));
  client.socket().say(change('delete', 5, 1));
  client.socket().say(message(6));
  assert.deepEqual(timeline(client).entries.map(({ kind, content }) => [kind, content]),
    [['message', ''], ['message', 'নতুন'], ['message', 'বার্তা 3'], ['message', 'বার্তা 6']]);
  assert.deepEqual([entry(client, 1).deleted, entry(client, 2).edited_at], [true, '2026-11-20T08:01:00.000Z']);
  assert.deepEqual([timeline(client).head, timeline(client).latest], [6, 6]);
});

test('a change that a page already holds does not count twice', () => {
  const reactions = { '👍': { count: 1, users: ['u2'] } };
  const client = clientWith(0, [message(1, { reactions, changed: 4 })]);
  client.socket().say(change('reaction', 4, 1, { emoji: '👍', on: true, user_id: 'u3' }));
  assert.deepEqual(entry(client, 1).reactions, reactions);
  client.socket().say(change('reaction', 5, 1, { emoji: '👍', on: true, user_id: 'u3' }));
  assert.deepEqual(entry(client, 1).reactions['👍'], { count: 2, users: ['u2', 'u3'] });
});

test('reactions are counted beyond the people that are named', () => {
  const many = { '👍': { count: 30, users: Array.from({ length: 20 }, (_, at) => `u${at}`) } };
  assert.equal(withReaction(many, { emoji: '👍', on: true, user_id: 'x' })['👍'].count, 31);
  assert.equal(withReaction(many, { emoji: '👍', on: false, user_id: 'x' })['👍'].count, 29);
  assert.equal(withReaction(many, { emoji: '👍', on: true, user_id: 'u3' }), many);
  assert.deepEqual(withReaction({ '👍': { count: 1, users: ['x'] } }, { emoji: '👍', on: false, user_id: 'x' }), {});
  assert.deepEqual(withReaction({}, { emoji: '👍', on: false, user_id: 'x' }), {});
});

test('a reply quotes its message as it is now', () => {
  const client = clientWith(0, [message(1), message(2, { reply_to: { seq: 1, user_id: 'u2', username: 'করিম', content: 'বার্তা 1' } })]);
  client.socket().say(change('edit', 3, 1, { content: 'অন্য' }));
  assert.equal(entry(client, 2).reply_to.content, 'অন্য');
  client.socket().say(change('delete', 4, 1));
  assert.deepEqual(entry(client, 2).reply_to, { seq: 1, deleted: true });
});

test('missed changes come back as what they are', () => {
  const client = clientWith();
  client.socket().end(1006);
  client.clock.advance(1_000);
  client.socket().say(WELCOME);
  client.socket().say({ type: 'auth_success', user_id: 'guest-1', username: 'রহিম', token: 't' });
  client.socket().say(joined('general', { seq: 6, recovered: true, messages: [change('edit', 4, 3, { content: 'পরে' }), message(5), change('delete', 6, 5)] }));
  assert.deepEqual(timeline(client).entries.map(({ content }) => content), ['বার্তা 1', 'বার্তা 2', 'পরে', '']);
  assert.deepEqual([timeline(client).head, timeline(client).latest], [6, 5]);
  client.socket().say(message(7));
  assert.equal(timeline(client).entries.at(-1).kind, 'message', 'no gap');
});

test('a page that overlaps brings messages up to date', () => {
  const client = clientWith();
  client.socket().end(1006);
  client.clock.advance(1_000);
  client.socket().say(WELCOME);
  client.socket().say({ type: 'auth_success', user_id: 'guest-1', username: 'রহিম', token: 't' });
  client.socket().say(joined('general', { seq: 5, messages: [message(2), message(3, { content: 'বদল', changed: 5 })] }));
  assert.deepEqual(timeline(client).entries.map(({ content }) => content), ['বার্তা 1', 'বার্তা 2', 'বদল']);
});

test('our reaction is shown at once, sent with a nonce, and shown until the room has it', () => {
  const client = clientWith();
  client.chat.react('general', 2, '❤️', true);
  assert.deepEqual(seen(client, 2).reactions, { '❤️': { count: 1, users: ['guest-1'] } });
  const { nonce: _, ...sent } = client.socket().sentOf('react')[0];
  assert.deepEqual(sent, { type: 'react', room_id: 'general', ref: 2, emoji: '❤️', on: true });
  ack(client, 'react', { seq: 5 });
  assert.equal(seen(client, 2).reactions['❤️'].count, 1);
  client.socket().say(change('reaction', 4, 2, { emoji: '❤️', on: true, user_id: 'u5' }));
  assert.equal(seen(client, 2).reactions['❤️'].count, 2);
  client.socket().say(change('reaction', 5, 2, { emoji: '❤️', on: true, user_id: 'guest-1' }));
  assert.equal(seen(client, 2).reactions['❤️'].count, 2);
  assert.deepEqual(client.store.state.outbox, []);
});

test('a reaction that changed nothing, and one whose echo was faster than the ack, are done with the ack', () => {
  const client = clientWith();
  client.chat.react('general', 2, '❤️', true);
  ack(client, 'react', { unchanged: true });
  assert.deepEqual(client.store.state.outbox, []);
  client.chat.react('general', 2, '😂', true);
  client.socket().say(change('reaction', 4, 2, { emoji: '😂', on: true, user_id: 'guest-1' }));
  ack(client, 'react', { seq: 4 });
  assert.deepEqual(client.store.state.outbox, []);
});

test('a deletion waits for a moment and can be taken back; then it is sent', () => {
  const client = clientWith(0, [message(1, { user_id: 'guest-1' })]);
  const first = client.chat.remove('general', 1);
  assert.equal(seen(client, 1).deleted, true);
  assert.equal(client.chat.takeBack(first), true);
  client.clock.advance(10_000);
  assert.deepEqual([seen(client, 1).deleted, client.socket().sentOf('delete').length], [undefined, 0]);
  const second = client.chat.remove('general', 1);
  client.chat.post('general', 'এর মধ্যে');
  assert.equal(client.socket().sentOf('text').length, 1, 'messages do not wait for it');
  client.clock.advance(4_900);
  assert.equal(client.socket().sentOf('delete').length, 0);
  ack(client, 'text', { seq: 2, id: 'm2' });
  client.clock.advance(200);
  assert.equal(client.socket().sentOf('delete')[0].ref, 1);
  assert.equal(client.chat.takeBack(second), false);
});

test('a deletion that waits to be taken back is sent before its writer goes', () => {
  const ways = { leaveRoom: ['delete', 'leave'], stepOut: ['delete'], exit: ['delete'], suspend: ['delete'] };
  for (const [way, sent] of Object.entries(ways)) {
    const client = clientWith(0, [message(1, { user_id: 'guest-1' })]);
    client.chat.remove('general', 1);
    client.chat[way]('general');
    assert.deepEqual(client.socket().sent.map(({ type }) => type).slice(-sent.length), sent, way);
  }
});

test('a refused edit leaves the text as it was, and says so at the message', () => {
  const client = clientWith(0, [message(1, { user_id: 'guest-1' })]);
  client.chat.edit('general', 1, '  ভালো  ');
  assert.equal(seen(client, 1).content, 'ভালো');
  client.socket().say({ type: 'error', code: 'forbidden', content: 'x', nonce: client.socket().sentOf('edit')[0].nonce, room_id: 'general' });
  assert.deepEqual([seen(client, 1).content, seen(client, 1).reason], ['বার্তা 1', 'forbidden']);
  assert.match(seen(client, 1).failedChange, /^edit nonce-/);
});

test('an edit of before a reload is sent after it', () => {
  const before = clientWith(0, [message(1, { user_id: 'guest-1' })]);
  before.socket().end(1006);
  before.chat.edit('general', 1, 'ভালো');
  const client = fakeClient({ local: before.local, session: before.session });
  client.chat.enter('রহিম', 'general');
  client.socket().say(WELCOME);
  client.socket().say({ type: 'auth_success', user_id: 'guest-1', username: 'রহিম', token: 't' });
  client.socket().say(joined('general', { seq: 1, messages: [message(1, { user_id: 'guest-1' })] }));
  assert.deepEqual([client.socket().sentOf('edit')[0]?.content, client.socket().sentOf('edit')[0]?.ref], ['ভালো', 1]);
});

test('a reply and mentions are sent, and shown before the server answers', () => {
  const client = clientWith();
  const reply = { seq: 2, user_id: 'u2', username: 'করিম', content: 'বার্তা 2' };
  client.chat.post('general', 'হ্যাঁ @করিম', { reply, mentions: ['u2'] });
  const { nonce: _, ...sent } = client.socket().sentOf('text')[0];
  assert.deepEqual(sent, { type: 'text', room_id: 'general', content: 'হ্যাঁ @করিম', reply_to: 2, mentions: ['u2'] });
  ack(client, 'text', { seq: 4, id: 'm4' });
  assert.deepEqual([entry(client, 4).reply_to, entry(client, 4).mentions], [reply, ['u2']]);
});

test('at the end of a log that ends with changes nothing newer is asked for', () => {
  const client = clientWith();
  client.socket().say(change('reaction', 4, 2, { emoji: '❤️', on: true }));
  client.store.dispatch({ type: 'page_listed', room: 'general', side: 'newest', ask: null, page: { data: messages(1, 3), epoch: 'e1' } });
  assert.deepEqual([timeline(client).hasNewer, timeline(client).isFollowing], [false, true]);
});

test('after a loss that nobody can prove complete the shown messages are read again', async () => {
  const pages = { next: () => ({ data: [message(1, { content: 'বদল', changed: 4 }), message(2, { deleted: true, content: '', changed: 5 }), message(3)], epoch: 'e1' }) };
  const client = fakeClient({ pages });
  client.chat.enter('রহিম', 'general');
  client.socket().say(WELCOME);
  client.socket().say(joined('general', { seq: 3, messages: messages(1, 3) }));
  client.socket().say({ type: 'gap', room_id: 'general', from: 4, to: 5 });
  await settled();
  assert.deepEqual(client.asked, [{ room: 'general', before: 4, limit: 3 }]);
  assert.deepEqual(timeline(client).entries.map(({ kind, content }) => content ?? kind), ['বদল', '', 'বার্তা 3', 'gap']);
});

/** A client whose room shows messages that are read again after a loss; `answer(query)` is the server's page or throws. */
async function afterLoss(shown, answer) {
  let client = null;
  const pages = { next: () => answer(client.asked.at(-1)) };
  client = fakeClient({ pages });
  client.chat.enter('রহিম', 'general');
  client.socket().say(WELCOME);
  client.socket().say(joined('general', { seq: shown.at(-1).seq, messages: shown }));
  client.socket().say({ type: 'reset', room_id: 'general', epoch: 'e2', seq: shown.at(-1).seq });
  await settled();
  return client;
}

test('messages that could not be read again after a loss are read later, until they were', async () => {
  let isDown = true;
  const client = await afterLoss(messages(1, 2), () => {
    if (isDown) throw Object.assign(new Error('busy'), { status: 503, details: { retry_after_ms: 3_000 } });
    return { data: [message(1, { deleted: true, content: '', changed: 4 }), message(2)], epoch: 'e2' };
  });
  assert.equal(client.asked.length, 1);
  client.clock.advance(2_900);
  await settled();
  assert.equal(client.asked.length, 1, 'not before the server wants it');
  isDown = false;
  client.clock.advance(1_000);
  await settled();
  assert.equal(entry(client, 1).deleted, true);
  client.clock.advance(60_000);
  await settled();
  assert.equal(client.asked.length, 2);
});

test('messages that could not be read again before the line was lost are after it, without another loss', async () => {
  let isDown = true;
  const client = await afterLoss(messages(1, 2), () => {
    if (isDown) throw new TypeError('no network');
    return { data: [message(1, { deleted: true, content: '', changed: 4 }), message(2)], epoch: 'e2' };
  });
  client.socket().end(1006);
  client.clock.advance(1_000);
  await settled();
  client.socket().say(WELCOME);
  client.socket().say({ type: 'auth_success', user_id: 'guest-1', username: 'রহিম', token: 't' });
  client.clock.advance(60_000);
  await settled();
  assert.equal(client.asked.length, 1);
  isDown = false;
  client.socket().say(joined('general', { epoch: 'e2', seq: 2, recovered: true }));
  await settled();
  assert.equal(entry(client, 1).deleted, true);
});

test('all that is shown is read again, page by page, without what is not shown in between', async () => {
  const shown = [...messages(1, 40), ...messages(1_001, 1_230)];
  const client = await afterLoss(shown, ({ before, limit }) => ({ data: messages(before - limit, before - 1).map((it) => ({ ...it, content: 'বদল', changed: 2_000 })), epoch: 'e2' }));
  assert.deepEqual(client.asked.map(({ before, limit }) => [before, limit]), [[1_231, 200], [1_031, 70], [41, 40]]);
  assert.equal(timeline(client).entries.filter(({ content }) => content === 'বদল').length, 270);
});

test('a second loss, and an answer that is on its way, do not keep what is shown from being read again', async () => {
  let release = null;
  const client = await afterLoss(messages(1, 2), () => new Promise((resolve) => { release = resolve; }));
  client.socket().say({ type: 'gap', room_id: 'general', from: 3, to: 4 });
  release({ data: messages(1, 2), epoch: 'e2' });
  await settled();
  assert.equal(client.asked.length, 2, 'the second loss may be later than the answer');
});

test('a quotation is renewed with its message, and stays deleted', async () => {
  const quoted = { seq: 1, user_id: 'u2', username: 'করিম', content: 'গোপন' };
  const gone = { seq: 1, deleted: true };
  const replies = (...quotations) => quotations.map((reply_to, at) => message(2 + at, { reply_to }));
  const client = await afterLoss(replies(quoted, gone), () => ({ data: replies(gone, quoted), epoch: 'e2' }));
  assert.deepEqual([entry(client, 2).reply_to, entry(client, 3).reply_to], [gone, gone]);
});

test('in a new epoch the numbers of changes of before hold back no change', () => {
  const client = clientWith(0, [message(1, { changed: 9 })]);
  client.socket().say({ type: 'reset', room_id: 'general', epoch: 'e2', seq: 1 });
  client.socket().say(change('edit', 2, 1, { content: 'নতুন' }));
  assert.equal(entry(client, 1).content, 'নতুন');
});
