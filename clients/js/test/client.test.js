import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock, WELCOME, fakeSockets, joined, message, settled } from '../../../tests/js/fakes.js';
import { Refusal, SessionError, connect, withChange } from '../index.js';

const IDENTITY = { type: 'auth_success', user_id: 'guest-1', username: 'রহিম', role: 'guest', token: 'token-guest-1' };

/** A session with all that it tells, in order. */
function started(options = {}) {
  const clock = new FakeClock();
  const { FakeWebSocket, sockets, last } = fakeSockets();
  const session = connect({ url: 'http://host/ws', username: 'রহিম', WebSocket: FakeWebSocket, timers: clock, clock: clock.now, random: () => 0.5, ...options });
  const told = [];
  for (const name of ['joined', 'message', 'change', 'gap', 'reset', 'left', 'error', 'frame']) {
    session.on(name, (event) => event.type !== 'welcome' && told.push([name, event.seq ?? event.from ?? event.reason ?? event.code ?? event.type]));
  }
  return { session, clock, sockets, socket: last, told };
}

/** The same, in the room general at a position. */
async function inRoom(fields = {}, options = {}) {
  const client = started(options);
  const join = client.session.join('general');
  client.socket().say(WELCOME);
  client.socket().say(joined('general', fields));
  await join;
  return client;
}

function comeBack({ socket, clock }) {
  socket().end(1006);
  clock.advance(1_000);
  socket().say(WELCOME);
  socket().say(IDENTITY);
}

const outcome = (promise) => promise.then((ack) => `acked ${ack.seq}`, (error) => error.code);

test('a message is sent again with its nonce until the ack comes, and is one promise', async () => {
  const client = await inRoom();
  const { session, socket } = client;
  const sent = session.send('general', 'চা?', { nonce: 'n1' });
  assert.equal(session.send('general', 'চা?', { nonce: 'n1' }), sent);
  assert.equal(socket().sentOf('text').length, 1);
  comeBack(client);
  assert.deepEqual(socket().sentOf('text'), []);
  socket().say(joined('general', { recovered: true }));
  assert.deepEqual(socket().sentOf('text').map(({ nonce, content }) => [nonce, content]), [['n1', 'চা?']]);
  socket().say({ type: 'ack', nonce: 'n1', room_id: 'general', seq: 1, duplicate: true });
  assert.equal(await outcome(sent), 'acked 1');
});

test('a message whose ack does not come is sent again on the same connection', async () => {
  const { session, socket, clock } = await inRoom();
  session.send('general', 'চা?', { nonce: 'n1' });
  clock.advance(15_000);
  assert.deepEqual(socket().sentOf('text').map(({ nonce }) => nonce), ['n1', 'n1']);
});

test('messages keep their order over a refusal that passes', async () => {
  const { session, socket, clock } = await inRoom();
  const first = session.send('general', 'one', { nonce: 'n1' });
  const second = session.edit('general', 7, 'two', { nonce: 'n2' });
  socket().say({ type: 'error', code: 'too_fast', nonce: 'n1', room_id: 'general', retry_after_ms: 400 });
  clock.advance(399);
  assert.equal(socket().sentOf('text').length, 1);
  clock.advance(2);
  assert.equal(socket().sentOf('text').length, 2);
  assert.equal(socket().sentOf('edit').length, 0);
  socket().say({ type: 'ack', nonce: 'n1', room_id: 'general', seq: 1 });
  assert.deepEqual(socket().sentOf('edit'), [{ type: 'edit', room_id: 'general', nonce: 'n2', ref: 7, content: 'two' }]);
  socket().say({ type: 'error', code: 'message_not_found', nonce: 'n2', room_id: 'general', content: 'None' });
  assert.deepEqual([await outcome(first), await outcome(second)], ['acked 1', 'message_not_found']);
});

test('a reaction and a deletion are frames of the protocol', async () => {
  const { session, socket } = await inRoom();
  session.react('general', 3, '👍', true, { nonce: 'n1' });
  socket().say({ type: 'ack', nonce: 'n1', room_id: 'general', unchanged: true });
  session.delete('general', 3, { nonce: 'n2' });
  assert.deepEqual(socket().sentOf('react'), [{ type: 'react', room_id: 'general', nonce: 'n1', ref: 3, emoji: '👍', on: true }]);
  assert.deepEqual(socket().sentOf('delete'), [{ type: 'delete', room_id: 'general', nonce: 'n2', ref: 3 }]);
});

test('what was missed is told once and in order after a lost connection', async () => {
  const client = await inRoom({ seq: 2 });
  const { socket, told, session } = client;
  socket().say(message(3));
  comeBack(client);
  assert.deepEqual(socket().sentOf('join')[0].since, { epoch: 'e1', seq: 3 });
  socket().say(message(4));
  const reaction = { ...message(5), type: 'reaction', ref: 3 };
  socket().say(joined('general', { seq: 5, recovered: true, messages: [message(4), reaction] }));
  socket().say(message(5));
  socket().say(message(6));
  assert.deepEqual(told.filter(([name]) => name !== 'joined'), [['message', 3], ['message', 4], ['change', 5], ['message', 6]]);
  assert.deepEqual(session.positionOf('general'), { epoch: 'e1', seq: 6 });
});

test('history of a first join is the answer to it and no event', async () => {
  const { told } = await inRoom({ seq: 2, messages: [message(1), message(2)] });
  assert.deepEqual(told, [['joined', 2]]);
});

test('a program that comes back with its position is told of what it missed', async () => {
  const { session, socket, told } = started({ token: 'kept' });
  session.join('general', { since: { epoch: 'e1', seq: 1 } });
  socket().say(WELCOME);
  socket().say(IDENTITY);
  assert.deepEqual(socket().sentOf('join')[0].since, { epoch: 'e1', seq: 1 });
  socket().say(joined('general', { seq: 2, recovered: true, messages: [message(2)] }));
  assert.deepEqual(told, [['joined', 2], ['message', 2]]);
});

test('a loss is told before the messages behind it', async () => {
  const client = await inRoom({ seq: 2 });
  const { socket, told, session } = client;
  socket().say({ type: 'gap', room_id: 'general', from: 3, to: 4 });
  socket().say(message(5));
  socket().say(message(8));
  comeBack(client);
  socket().say(joined('general', { seq: 20, messages: [message(8), message(19)] }));
  assert.deepEqual(told.slice(1), [['gap', 3], ['message', 5], ['gap', 6], ['message', 8], ['joined', 20], ['gap', 9], ['message', 19]]);
  assert.deepEqual(session.positionOf('general'), { epoch: 'e1', seq: 20 });
});

test('a new epoch is told as a reset, and numbers go on from there', async () => {
  const client = await inRoom({ seq: 9 });
  const { socket, told, session } = client;
  socket().say({ type: 'reset', room_id: 'general', epoch: 'e2', seq: 4 });
  socket().say(message(5));
  comeBack(client);
  assert.deepEqual(socket().sentOf('join')[0].since, { epoch: 'e2', seq: 5 });
  const pages = [];
  session.on('reset', ({ messages }) => pages.push(messages.map(({ seq }) => seq)));
  socket().say(joined('general', { epoch: 'e3', seq: 2, messages: [message(2)] }));
  assert.deepEqual(told.slice(1), [['reset', 4], ['message', 5], ['joined', 2], ['reset', 2]]);
  assert.deepEqual(pages, [[2]]);
  assert.deepEqual(session.positionOf('general'), { epoch: 'e3', seq: 2 });
});

test('a join waits while the server cannot, and is rejected where it will not', async () => {
  const { session, socket, clock } = started();
  const first = outcome(session.join('general'));
  const second = outcome(session.join('!nobody'));
  socket().say(WELCOME);
  socket().say({ type: 'error', code: 'unavailable', room_id: 'general', content: '' });
  socket().say({ type: 'error', code: 'room_not_found', room_id: '!nobody', content: '' });
  clock.advance(1_000);
  socket().say(joined('general', { seq: 3 }));
  assert.deepEqual([await first, await second], ['acked 3', 'room_not_found']);
  assert.equal(await outcome(session.send('!nobody', 'x')), 'not_in_room');
});

test('the name that the server gives a room is the one that counts', async () => {
  const { session, socket } = started();
  const join = session.join('General ');
  const sent = session.send('General ', 'x', { nonce: 'n1' });
  socket().say(WELCOME);
  socket().say(joined('General'));
  assert.equal((await join).room_id, 'General');
  assert.deepEqual(socket().sentOf('text').map(({ room_id }) => room_id), ['General']);
  socket().say({ type: 'ack', nonce: 'n1', room_id: 'General', seq: 1 });
  assert.equal(await outcome(sent), 'acked 1');
});

test('a room that others put us out of rejects what waits there, and is not joined again', async () => {
  const client = await inRoom();
  const { session, socket, told } = client;
  const sent = outcome(session.send('general', 'x'));
  socket().say({ type: 'left', room_id: 'general', reason: 'kicked' });
  assert.equal(await sent, 'kicked');
  comeBack(client);
  assert.deepEqual(socket().sentOf('join'), []);
  assert.deepEqual(told.at(-1), ['left', 'kicked']);
});

test('a refused connection rejects what waits, with the reason', async () => {
  const { session, socket } = await inRoom();
  const waiting = [session.send('general', 'x'), session.send('general', 'y'), session.join('other')].map(outcome);
  socket().say({ type: 'error', code: 'banned', content: 'You are banned' });
  socket().end(4403);
  assert.deepEqual(await Promise.all(waiting), ['banned', 'banned', 'banned']);
});

test('what was sent as another user is not sent again', async () => {
  const client = await inRoom();
  const { session, socket, clock } = client;
  const sent = outcome(session.send('general', 'x'));
  socket().end(1006);
  clock.advance(1_000);
  socket().say({ ...WELCOME, user_id: 'guest-2', token: 'token-guest-2' });
  socket().say({ type: 'error', code: 'bad_token', content: '' });
  socket().say(joined('general', { recovered: true }));
  assert.equal(await sent, 'other_user');
  assert.deepEqual(socket().sentOf('text'), []);
  assert.equal(session.token, 'token-guest-2');
});

test('closing rejects what waits and opens nothing again', async () => {
  const { session, sockets, clock } = await inRoom();
  const sent = session.send('general', 'x');
  session.close();
  await assert.rejects(sent, (error) => error instanceof SessionError && error.code === 'closed');
  assert.equal(await outcome(session.send('general', 'y')), 'closed');
  clock.advance(600_000);
  assert.equal(sockets.length, 1);
});

test('a listener that throws keeps nothing from the others', async (t) => {
  const { session, socket, told } = await inRoom();
  const uncaught = [];
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error.message));
  t.after(() => {
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
  });
  const end = session.on('message', () => {
    throw new Error('mine');
  });
  socket().say(message(1));
  end();
  socket().say(message(2));
  await settled();
  assert.deepEqual(told.slice(1), [['message', 1], ['message', 2]]);
  assert.deepEqual(uncaught, ['mine']);
});

test('REST is asked beside the socket', async () => {
  const asked = [];
  const fetch = async (address) => (asked.push(address), { ok: true, status: 200, json: async () => ({ data: [] }) });
  const { session } = started({ url: 'https://host/chat/ws', fetch });
  await session.api.listMessages('চা', { limit: 1 });
  assert.deepEqual(asked, [`https://host/chat/api/rooms/${encodeURIComponent('চা')}/messages?limit=1`]);
});

test('the address of REST is that of the socket without its query', async () => {
  for (const url of ['ws://host/chat/ws', 'ws://host/chat/ws?room=a/ws', 'http://host/chat/ws?#ws']) {
    const asked = [];
    const fetch = async (address) => (asked.push(address), { ok: true, status: 200, json: async () => ({ data: [] }) });
    await started({ url, fetch }).session.api.listRooms({ cursor: 'c' });
    assert.deepEqual(asked, ['http://host/chat/api/rooms?cursor=c'], url);
  }
});

test('a file is uploaded as a form, by the user of the session', async () => {
  const asked = [];
  let answer = { status: 201, body: { id: 'f1', name: 'ছবি.png' } };
  const fetch = async (address, options) => {
    asked.push(new Request(address, options));
    return Response.json(answer.body, { status: answer.status });
  };
  const { session } = await inRoom({}, { fetch });
  assert.deepEqual(await session.upload('চা', new Blob(['xyz']), { name: 'ছবি.png' }), answer.body);
  const [request] = asked;
  assert.deepEqual([request.method, request.url, request.headers.get('authorization')],
    ['POST', `http://host/api/rooms/${encodeURIComponent('চা')}/files`, `Bearer ${session.token}`]);
  const file = (await request.formData()).get('file');
  assert.deepEqual([file.name, await file.text()], ['ছবি.png', 'xyz']);
  answer = { status: 413, body: { code: 'file_too_large', error: 'Too large' } };
  await assert.rejects(session.upload('চা', new Blob(['xyz'])), (error) => error instanceof Refusal && error.code === 'file_too_large');
});

test('a change is in a message once', () => {
  const change = { ...message(2), type: 'reaction', ref: 1, emoji: '👍', on: true };
  const changed = withChange(message(1), change);
  assert.deepEqual([changed.reactions, changed.changed], [{ '👍': { count: 1, users: ['u2'] } }, 2]);
  assert.equal(withChange(changed, change), changed);
});
