import assert from 'node:assert/strict';
import { test } from 'node:test';
import { totalUnread } from '../../public/js/state/chat.js';
import { isSilent, parseSettings } from '../../public/js/state/settings/settings.js';
import { unreadAbove } from '../../public/js/state/rooms/unread.js';
import { WELCOME, clientInGeneral, fakeClient, joined, looksAt, message, messages } from './fakes.js';

const room = (client, id) => client.store.state.rooms.get(id);

function inTwoRooms() {
  const client = clientInGeneral();
  client.chat.openRoom('চা');
  client.socket().say(joined('চা'));
  looksAt(client, 'চা');
  return client;
}

test('a room in the background stays joined, and its new messages are unread', () => {
  const client = inTwoRooms();
  client.socket().say(message(1));
  client.socket().say(message(2));
  assert.equal(room(client, 'general').unread, 2);
  assert.equal(room(client, 'general').dividerSeq, 0);
  client.chat.openRoom('general');
  assert.equal(totalUnread(client.store.state), 2, 'nothing is drawn yet');
  looksAt(client, 'general', false);
  assert.equal(totalUnread(client.store.state), 2, 'the last one is below the window');
  looksAt(client, 'general');
  assert.equal(totalUnread(client.store.state), 0);
  assert.equal(client.socket().sentOf('join').length, 2);
});

test('own messages, visible ones and repeated ones are not unread', () => {
  const client = inTwoRooms();
  client.socket().say(message(1, { user_id: 'guest-1' }));
  client.socket().say(message(2));
  client.socket().say(message(2));
  client.socket().say(message(1, { id: 'x1', room_id: 'চা' }));
  assert.equal(totalUnread(client.store.state), 1);
});

test('a window without the focus marks nothing as read; the focus marks the messages at the bottom', () => {
  const client = clientInGeneral();
  client.store.dispatch({ type: 'attention_changed', isAttentive: false });
  client.socket().say(message(1));
  assert.equal(room(client, 'general').unread, 1);
  client.store.dispatch({ type: 'attention_changed', isAttentive: true });
  assert.equal(room(client, 'general').unread, 1, 'the view shows first where it left off');
  looksAt(client, 'general');
  assert.equal(room(client, 'general').unread, 0);
  assert.equal(room(client, 'general').dividerSeq, 0, 'the divider stays while one reads');
  client.chat.post('general', 'পড়লাম');
  assert.equal(room(client, 'general').dividerSeq, null);
});

test('a busy room that somebody watches has fewer rows, as many as a few screens hold', () => {
  const rowsOf = (client) => room(client, 'general').timeline.entries.length;
  const say = (client) => messages(1, 290).forEach((it) => client.socket().say(it));
  const watched = clientInGeneral();
  say(watched);
  assert.ok(rowsOf(watched) >= 100 && rowsOf(watched) <= 150, `${rowsOf(watched)}`);
  const tall = clientInGeneral();
  tall.store.dispatch({ type: 'screen_measured', rows: 60 });
  say(tall);
  assert.ok(rowsOf(tall) >= 180 && rowsOf(tall) <= 230, `${rowsOf(tall)}`);
  tall.store.dispatch({ type: 'screen_measured', rows: 1_000 });
  assert.equal(tall.store.state.rowsKept, 250);
});

test('rows with the first unread message are not among those that go', () => {
  const client = clientInGeneral();
  client.store.dispatch({ type: 'attention_changed', isAttentive: false });
  messages(1, 250).forEach((it) => client.socket().say(it));
  client.store.dispatch({ type: 'attention_changed', isAttentive: true });
  looksAt(client, 'general');
  client.socket().say(message(251));
  assert.equal(unreadAbove(room(client, 'general')), null);
  assert.equal(room(client, 'general').timeline.entries.length, 251);
});

test('missed messages are unread, the first page is not', () => {
  const client = inTwoRooms();
  client.socket().say(joined('general', { seq: 2, recovered: true, messages: [message(1), message(2)] }));
  assert.equal(room(client, 'general').unread, 2);
  client.chat.keepRoom('নতুন');
  client.socket().say(joined('নতুন', { seq: 1, messages: [message(1, { room_id: 'নতুন' })] }));
  assert.equal(room(client, 'নতুন').unread, 0);
});

test('messages that came while the connection was lost are behind the divider, and read when they were seen', () => {
  const client = clientInGeneral();
  client.socket().say(message(1));
  assert.equal(room(client, 'general').unread, 0);
  client.socket().end(1006);
  client.clock.advance(5_000);
  client.socket().say(WELCOME);
  client.socket().say({ type: 'auth_success', user_id: 'guest-1', username: 'রহিম', token: 't' });
  client.socket().say(joined('general', { seq: 3, recovered: true, messages: [message(2), message(3)] }));
  assert.deepEqual([room(client, 'general').unread, room(client, 'general').dividerSeq], [2, 1]);
  assert.equal(client.store.state.placed, null, 'the view puts the divider before the reader');
  looksAt(client, 'general');
  assert.deepEqual([room(client, 'general').unread, room(client, 'general').dividerSeq], [0, 1]);
});

test('a quick reconnect makes no divider', () => {
  const client = clientInGeneral();
  client.socket().end(1012);
  client.clock.advance(300);
  client.socket().say(WELCOME);
  client.socket().say({ type: 'auth_success', user_id: 'guest-1', username: 'রহিম', token: 't' });
  client.socket().say(joined('general', { seq: 1, recovered: true, messages: [message(1)] }));
  assert.deepEqual([room(client, 'general').unread, room(client, 'general').dividerSeq], [0, null]);
});

test('a room that its reader marks as unread stays so until it is opened again, or written in', () => {
  const client = clientInGeneral();
  for (const seq of [1, 2, 3]) client.socket().say(message(seq));
  const held = () => [room(client, 'general').unread, room(client, 'general').dividerSeq];
  assert.deepEqual(held(), [0, null]);
  client.chat.markUnread('general', 2);
  looksAt(client, 'general');
  assert.deepEqual(held(), [2, 1], 'on screen, and unread');
  client.socket().say(message(4));
  assert.deepEqual(held(), [3, 1]);
  for (const isAttentive of [false, true]) client.store.dispatch({ type: 'attention_changed', isAttentive });
  assert.deepEqual(held(), [3, 1]);
  assert.equal(client.store.state.placed, 'general', 'nothing is scrolled');
  client.chat.openRoom('চা');
  assert.deepEqual(held(), [3, 1]);
  client.chat.openRoom('general');
  looksAt(client, 'general');
  assert.deepEqual(held(), [0, 1]);
  client.chat.markUnread('general', 4);
  assert.deepEqual(held(), [1, 3]);
  client.chat.post('general', 'এক');
  assert.deepEqual(held(), [0, null]);
});

test('the first unread message is known even if the page after an outage does not reach up to it', () => {
  const client = clientInGeneral();
  client.socket().say(message(1));
  assert.equal(unreadAbove(room(client, 'general')), null);
  client.socket().end(1006);
  client.clock.advance(5_000);
  client.socket().say(WELCOME);
  client.socket().say({ type: 'auth_success', user_id: 'guest-1', username: 'রহিম', token: 't' });
  client.socket().say(joined('general', { seq: 200, messages: messages(151, 200) }));
  looksAt(client, 'general');
  assert.deepEqual([room(client, 'general').dividerSeq, unreadAbove(room(client, 'general'))], [1, 2]);
  client.store.dispatch({ type: 'page_listed', room: 'general', side: 'around', ask: null, page: { data: messages(1, 27), next: null } });
  assert.equal(unreadAbove(room(client, 'general')), null);
});

test('after a sleep without timers, missed messages are unread', () => {
  const client = clientInGeneral();
  client.socket().end(1006);
  // The clock went on, the timers did not.
  client.sleep(600_000);
  client.clock.advance(500);
  client.socket().say(WELCOME);
  client.socket().say({ type: 'auth_success', user_id: 'guest-1', username: 'রহিম', token: 't' });
  client.socket().say(joined('general', { seq: 1, recovered: true, messages: [message(1)] }));
  assert.equal(room(client, 'general').unread, 1);
});

test('a message that is deleted before anybody read it is unread no more', () => {
  const client = inTwoRooms();
  const unread = () => [room(client, 'general').unread, room(client, 'general').mentions, room(client, 'general').dividerSeq];
  const remove = (ref, seq) => client.socket().say({ type: 'delete', room_id: 'general', seq, ref, user_id: 'u2', timestamp: message(1).timestamp });
  client.store.dispatch({ type: 'people_ignored', userIds: ['u9'] });
  client.socket().say(message(1, { user_id: 'guest-1' }));
  client.socket().say(message(2, { mentions: ['guest-1'] }));
  client.socket().say(message(3));
  client.socket().say(message(4, { user_id: 'u9' }));
  assert.deepEqual(unread(), [2, 1, 1]);
  remove(1, 5);
  remove(4, 6);
  assert.deepEqual(unread(), [2, 1, 1], 'one\'s own and those of ignored people were not counted');
  remove(2, 7);
  remove(2, 8);
  assert.deepEqual(unread(), [1, 0, 1], 'once');
  remove(3, 9);
  assert.deepEqual(unread(), [0, 0, null]);
});

test('a deletion of what was read changes no count', () => {
  const client = inTwoRooms();
  client.socket().say(message(1));
  client.socket().say({ type: 'read', room_id: 'general', seq: 1 });
  client.socket().say(message(2));
  client.socket().say({ type: 'delete', room_id: 'general', seq: 3, ref: 1, user_id: 'u2', timestamp: message(1).timestamp });
  assert.equal(room(client, 'general').unread, 1);
});

test('a room of which somebody wants to be told nothing does not count in the title', () => {
  const client = inTwoRooms();
  client.socket().say(message(1));
  const settings = parseSettings({ levels: [{ room: 'general', level: 'none' }] }, 'bn');
  assert.equal(totalUnread(client.store.state, (id) => isSilent(settings, id)), 0);
  assert.equal(totalUnread(client.store.state, (id) => isSilent(parseSettings({ level: 'none' }, 'bn'), id)), 1, 'where nothing is told of, the title still counts');
});

test('the page takes the normalised name of a room from the server', () => {
  const client = clientInGeneral();
  client.chat.openRoom('চা ');
  client.chat.post('চা ', 'এক');
  client.socket().say(joined('চা'));
  assert.deepEqual([client.store.state.active, client.store.state.rooms.has('চা ')], ['চা', false]);
  assert.equal(client.socket().sentOf('text')[0].room_id, 'চা');
});

test('a refused name leads back to the join page, with the reason', () => {
  const client = fakeClient();
  client.chat.enter('x', 'general');
  client.socket().say({ type: 'error', code: 'bad_username', content: '…' });
  client.socket().end(4400);
  assert.deepEqual([client.store.state.active, client.store.state.refusedEntry], [null, 'bad_username']);
  assert.equal(client.storage.tab(), null);
});

test('a person who leaves the page has left the rooms, for as long as that lasts', () => {
  const client = clientInGeneral();
  client.chat.suspend();
  assert.equal(client.sockets[0].closedWith, 4000);
  client.clock.advance(600_000);
  assert.equal(client.sockets.length, 1);
  client.chat.resume();
  assert.equal(client.sockets.length, 2);
});

test('a message, or any other activity, ends a wait', () => {
  const client = clientInGeneral();
  client.socket().end(1006);
  client.chat.post('general', 'ক');
  assert.equal(client.sockets.length, 2);
  client.sockets[1].end(1006);
  client.chat.hurry();
  assert.equal(client.sockets.length, 3);
});

test('a room that refuses says why and stays listed', () => {
  const client = clientInGeneral();
  client.chat.openRoom('x');
  client.socket().say({ type: 'error', code: 'bad_room_name', content: '…', room_id: 'x' });
  assert.equal(room(client, 'x').refusal, 'bad_room_name');
  assert.equal(room(client, 'general').refusal, null);
});

test('leaving shows another room, and later frames of the room are ignored', () => {
  const client = inTwoRooms();
  client.chat.leaveRoom('চা');
  assert.equal(client.store.state.active, 'general');
  client.socket().say(message(1, { room_id: 'চা' }));
  assert.equal(client.store.state.rooms.has('চা'), false);
});

test('a room may be called anything, "__proto__" and "constructor" too', () => {
  const client = clientInGeneral();
  for (const name of ['__proto__', 'constructor', '42']) {
    client.chat.openRoom(name);
    client.socket().say(joined(name));
    client.socket().say(message(1, { room_id: name }));
    assert.equal(room(client, name).timeline.entries.length, 1);
  }
});

test('older pages are requested one at a time, and a failure can be retried', async () => {
  const answers = [new Error('503'), { data: [message(4)], epoch: 'e1', next: 'x' }];
  const client = clientInGeneral({ pages: { async next() {
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  } } });
  client.chat.openRoom('b');
  client.socket().say(joined('b', { seq: 5, messages: [message(5, { room_id: 'b' })] }));
  await Promise.all([client.chat.loadOlder('b'), client.chat.loadOlder('b')]);
  assert.deepEqual(client.asked, [{ room: 'b', before: 5, limit: 50 }]);
  assert.equal(room(client, 'b').timeline.loading, null);
  await client.chat.loadOlder('b');
  assert.deepEqual(room(client, 'b').timeline.entries.map(({ seq }) => seq), [4, 5]);
});

test('an older page of what was shown before a loss, or before the room was left, is not taken for what is shown now', async () => {
  const releases = [];
  const client = clientInGeneral({ pages: { next: () => new Promise((resolve) => { releases.push(resolve); }) } });
  const seqs = () => room(client, 'general').timeline.entries.map(({ kind, seq, from, to }) => seq ?? `${kind} ${from}-${to}`);
  const older = { data: messages(90, 99), epoch: 'e1', next: 90 };
  client.chat.leaveRoom('general');
  client.chat.openRoom('general');
  client.socket().say(joined('general', { seq: 101, messages: messages(100, 101) }));
  looksAt(client, 'general');
  const asked = [client.chat.loadOlder('general')];
  client.socket().end(1006);
  client.clock.advance(1_000);
  client.socket().say(WELCOME);
  client.socket().say({ type: 'auth_success', user_id: 'guest-1', username: 'রহিম', token: 't' });
  client.socket().say(joined('general', { seq: 300, messages: messages(299, 300) }));
  asked.push(client.chat.loadOlder('general'));
  releases[0](older);
  await asked[0];
  assert.deepEqual(seqs(), ['gap 102-298', 299, 300]);
  client.chat.leaveRoom('general');
  client.chat.openRoom('general');
  client.socket().say(joined('general', { seq: 500, messages: messages(499, 500) }));
  for (const release of releases.slice(1)) release(older);
  await asked[1];
  assert.deepEqual(seqs(), [499, 500]);
});

test('the way to the newest messages does not wait for another page', async () => {
  const releases = [];
  const client = clientInGeneral({ pages: { next: () => new Promise((resolve) => { releases.push(resolve); }) } });
  client.chat.leaveRoom('general');
  client.chat.openRoom('general');
  client.socket().say(joined('general', { seq: 101, messages: messages(50, 51) }));
  const asked = [client.chat.loadOlder('general'), client.chat.loadNewest('general')];
  client.chat.loadNewest('general');
  assert.deepEqual(client.asked.map(({ before }) => before), [50, undefined]);
  releases[1]({ data: messages(100, 101), epoch: 'e1', next: 100 });
  releases[0]({ data: messages(40, 49), epoch: 'e1', next: 40 });
  await Promise.all(asked);
  assert.deepEqual(room(client, 'general').timeline.entries.map(({ seq }) => seq), [100, 101]);
});

test('messages of ignored people are neither unread nor counted below', () => {
  const client = inTwoRooms();
  client.store.dispatch({ type: 'people_ignored', userIds: ['u2'] });
  client.socket().say(message(1));
  client.socket().say(message(2, { user_id: 'u3' }));
  assert.equal(totalUnread(client.store.state), 1);
  assert.equal(room(client, 'general').dividerSeq, 1);
  client.socket().say(joined('general', { seq: 4, recovered: true, messages: [message(3), message(4, { user_id: 'u3' })] }));
  assert.equal(totalUnread(client.store.state), 2);
  looksAt(client, 'চা', false);
  client.socket().say(message(1, { id: 'x1', room_id: 'চা' }));
  assert.equal(room(client, 'চা').timeline.below, 0);
  assert.equal(room(client, 'চা').timeline.head, 1);
});

test('a mention by an ignored person is none', () => {
  const client = inTwoRooms();
  client.socket().say(message(1, { mentions: ['guest-1'] }));
  client.socket().say(message(2, { user_id: 'u3' }));
  assert.equal(room(client, 'general').mentions, 1);
  client.store.dispatch({ type: 'people_ignored', userIds: ['u2'] });
  assert.deepEqual([room(client, 'general').unread, room(client, 'general').mentions], [1, 0]);
});

test('ignoring a person removes their messages from the count, and no others', () => {
  const client = inTwoRooms();
  for (const [seq, user_id] of [[1, 'u2'], [2, 'u3'], [3, 'u2']]) client.socket().say(message(seq, { user_id }));
  assert.equal(totalUnread(client.store.state), 3);
  client.store.dispatch({ type: 'people_ignored', userIds: ['u2'] });
  assert.equal(totalUnread(client.store.state), 1);
  client.store.dispatch({ type: 'people_ignored', userIds: ['u2'] });
  assert.equal(totalUnread(client.store.state), 1, 'once');
});
