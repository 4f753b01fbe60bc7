import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTransport } from '../../public/js/net/transport.js';
import { newItem } from '../../public/js/state/outbox/items.js';
import { FakeClock, WELCOME, fakeSockets, joined } from './fakes.js';

function connected({ token, userId, positionOf = () => null } = {}) {
  const clock = new FakeClock();
  const { FakeWebSocket, sockets, last } = fakeSockets();
  const received = { frames: [], statuses: [], identities: [], renamed: [] };
  const transport = createTransport({
    url: 'wss://host/ws', WebSocket: FakeWebSocket, timers: clock, random: () => 0.5,
    identity: { username: 'রহিম', token, userId }, positionOf,
    onFrame: (frame) => received.frames.push(frame),
    onStatus: (status) => received.statuses.push(status),
    onIdentity: (identity) => received.identities.push(identity),
    onRoomNamed: (asked, name) => received.renamed.push([asked, name]),
  });
  transport.connect();
  return { transport, clock, sockets, socket: last, received };
}

const phases = ({ statuses }) => statuses.map(({ phase }) => phase);

test('connects with the subprotocol and the name, and without a token in the address', () => {
  const { socket } = connected({ token: 'secret' });
  assert.equal(socket().url, `wss://host/ws?username=${encodeURIComponent('রহিম')}`);
  assert.deepEqual(socket().protocols, ['adda.v1']);
});

test('the token is the first frame, and nothing follows before it is answered', () => {
  const { transport, socket } = connected({ token: 'secret' });
  transport.join('general');
  socket().say(WELCOME);
  assert.deepEqual(socket().sent, [{ type: 'auth', token: 'secret' }]);
  socket().say({ type: 'auth_success', user_id: 'u1', username: 'রহিম', token: 'secret' });
  assert.deepEqual(socket().sentOf('join').map((frame) => frame.room_id), ['general']);
});

test('a new guest joins at once and keeps the token of the welcome', () => {
  const { transport, socket, received } = connected();
  transport.join('general');
  socket().say(WELCOME);
  assert.deepEqual(socket().sent.map(({ type }) => type), ['join']);
  assert.equal(received.identities[0].token, 'token-guest-1');
});

test('a refused token leaves the guest of the welcome, whose token is used from then on', () => {
  const { socket, clock, received } = connected({ token: 'stale' });
  socket().say(WELCOME);
  socket().say({ type: 'error', code: 'bad_token', content: '…' });
  assert.deepEqual(received.identities, [{ userId: 'guest-1', username: 'রহিম', role: 'guest', token: 'token-guest-1' }]);
  socket().end(1006);
  clock.advance(1_000);
  socket().say(WELCOME);
  assert.equal(socket().sent[0].token, 'token-guest-1');
});

const MEMBER = { user_id: 'u1', username: 'রহিম', role: 'member' };

test('an account without a token is the one that the browser\'s cookie names', () => {
  const { socket, received } = connected({ userId: 'u1' });
  socket().say({ ...WELCOME, ...MEMBER, token: undefined });
  assert.deepEqual(socket().sentOf('auth'), []);
  assert.deepEqual(received.identities, [{ userId: 'u1', username: 'রহিম', role: 'member', token: undefined }]);
  assert.equal(phases(received).at(-1), 'online');
});

test('an account speaks as nobody else: without its cookie it is signed out', () => {
  const { transport, socket, received } = connected({ userId: 'u1' });
  transport.join('general');
  socket().say(WELCOME);
  assert.deepEqual(received.statuses.at(-1), { phase: 'refused', reason: 'signed_out' });
  assert.deepEqual([received.identities, socket().sent], [[], []]);
});

test('a stale token of an account gives way to the newer cookie', () => {
  const { socket, received } = connected({ userId: 'u1', token: 'stale' });
  socket().say({ ...WELCOME, ...MEMBER, token: undefined });
  socket().say({ type: 'error', code: 'bad_token', content: '…' });
  assert.equal(received.identities.length, 1);
  assert.equal(phases(received).at(-1), 'online');
});

test('a server without guests is told who one is, or tells that one must', () => {
  const stranger = connected();
  stranger.socket().say({ type: 'welcome', auth_required: true });
  assert.deepEqual(stranger.received.statuses.at(-1), { phase: 'refused', reason: 'auth_required' });
  const guest = connected({ token: 'of a guest' });
  guest.socket().say({ type: 'welcome', auth_required: true });
  guest.socket().say({ type: 'error', code: 'bad_token', content: '…' });
  assert.deepEqual(guest.received.statuses.at(-1), { phase: 'refused', reason: 'auth_required' });
  const member = connected({ userId: 'u1', token: 'good' });
  member.socket().say({ type: 'welcome', auth_required: true });
  member.socket().say({ type: 'auth_success', ...MEMBER, token: 'good' });
  assert.equal(phases(member.received).at(-1), 'online');
});

test('a guest whose name an account has taken is led back to the name', () => {
  const { transport, socket, received } = connected();
  transport.join('general');
  socket().say(WELCOME);
  socket().say({ type: 'error', code: 'username_taken', room_id: 'general', content: '…' });
  assert.deepEqual(received.statuses.at(-1), { phase: 'refused', reason: 'username_taken' });
});

test('a ban for good is told without a time, also to a session that begins', () => {
  const { socket, received } = connected({ token: 'of the banned' });
  socket().say({ type: 'error', code: 'banned', content: 'You are banned' });
  socket().end(4403);
  assert.deepEqual(received.statuses.at(-1), { phase: 'refused', reason: 'banned' });
});

test('a ban in the middle of a visit is told with its end and its words', () => {
  const { socket, received } = connected();
  socket().say(WELCOME);
  socket().say({ type: 'error', code: 'banned', content: 'You are banned until 2026-11-20T08:01:00.000Z: spam: links', reason: 'spam: links', retry_after_ms: 60_000 });
  socket().end(4403);
  assert.deepEqual(received.statuses.at(-1), { phase: 'refused', reason: 'banned', retryAfterMs: 60_000, words: 'spam: links' });
});

test('rejoins its rooms by seq', () => {
  const { transport, socket, sockets, clock } = connected({ positionOf: (room) => ({ epoch: 'e1', seq: room.length }) });
  transport.join('general');
  socket().say(WELCOME);
  socket().say(joined('general'));
  socket().end(1012);
  clock.advance(1_000);
  assert.equal(sockets.length, 2);
  socket().say(WELCOME);
  socket().say({ type: 'auth_success', user_id: 'u1', username: 'রহিম', token: 't' });
  const [join] = socket().sentOf('join');
  assert.deepEqual(join.since, { epoch: 'e1', seq: 7 });
});

test('repeated join requests join a room once', () => {
  const { transport, socket } = connected();
  transport.join('general');
  socket().say(WELCOME);
  transport.join('general');
  socket().say(joined('general'));
  transport.join('general');
  assert.equal(socket().sentOf('join').length, 1);
});

test('a room that was left is not joined again by a reconnect', () => {
  const { transport, socket, clock } = connected();
  transport.join('general');
  socket().say(WELCOME);
  transport.leave('general');
  assert.equal(socket().sentOf('leave').length, 1);
  socket().end(1006);
  clock.advance(1_000);
  socket().say(WELCOME);
  socket().say({ type: 'auth_success', user_id: 'u1', username: 'রহিম', token: 't' });
  assert.equal(socket().sentOf('join').length, 0);
});

test('a join with a temporary refusal is retried', () => {
  const { transport, socket, clock } = connected();
  transport.join('general');
  socket().say(WELCOME);
  socket().say({ type: 'error', code: 'unavailable', room_id: 'general', retry_after_ms: 700 });
  clock.advance(699);
  assert.equal(socket().sentOf('join').length, 1);
  clock.advance(1);
  assert.equal(socket().sentOf('join').length, 2);
});

test('a join with a permanent refusal is not retried', () => {
  const { transport, socket, clock } = connected();
  transport.join('general');
  socket().say(WELCOME);
  socket().say({ type: 'error', code: 'bad_room_name', room_id: 'general' });
  clock.advance(10_000);
  assert.equal(socket().sentOf('join').length, 1);
});

test('each failed attempt waits longer; a connection that worked resets the wait', () => {
  const { socket, clock, received } = connected();
  const waits = () => received.statuses.filter(({ phase }) => phase === 'waiting').map(({ retryAt }) => retryAt - clock.now());
  socket().end(1006);
  assert.equal(waits().at(-1), 250);
  clock.advance(250);
  socket().end(1006);
  assert.equal(waits().at(-1), 500);
  clock.advance(500);
  socket().say(WELCOME);
  for (let beat = 0; beat < 4; beat += 1) {
    clock.advance(20_000);
    socket().say({ type: 'pong' });
  }
  socket().end(1006);
  assert.equal(waits().at(-1), 250);
});

test('a refusal is not retried until a person asks for it', () => {
  const { transport, socket, sockets, clock, received } = connected();
  socket().say(WELCOME);
  socket().end(4403);
  assert.deepEqual(received.statuses.at(-1), { phase: 'refused', reason: 'banned' });
  clock.advance(600_000);
  transport.wake();
  assert.equal(sockets.length, 1);
  transport.retryNow();
  assert.equal(sockets.length, 2);
});

test('the error before a final close is the reason', () => {
  const { socket, received } = connected();
  socket().say({ type: 'error', code: 'bad_username', content: '…' });
  socket().end(4400);
  assert.deepEqual(received.statuses.at(-1), { phase: 'refused', reason: 'bad_username' });
});

test('a close for flooding reconnects after a long wait', () => {
  const { socket, sockets, clock } = connected();
  socket().say(WELCOME);
  socket().end(4429);
  clock.advance(14_999);
  assert.equal(sockets.length, 1);
  clock.advance(15_001);
  assert.equal(sockets.length, 2);
});

test('after a silence one ping is sent, then the connection is dropped', () => {
  const { socket, sockets, clock } = connected();
  socket().say(WELCOME);
  clock.advance(29_999);
  assert.equal(socket().sentOf('ping').length, 0);
  clock.advance(1);
  assert.equal(socket().sentOf('ping').length, 1);
  clock.advance(20_000);
  assert.equal(socket().readyState, 3);
  clock.advance(1_000);
  assert.equal(sockets.length, 2);
});

test('an answer to the ping keeps the connection', () => {
  const { socket, sockets, clock } = connected();
  socket().say(WELCOME);
  for (let beat = 0; beat < 10; beat += 1) {
    clock.advance(30_000);
    socket().say({ type: 'pong' });
  }
  assert.equal(sockets.length, 1);
});

test('a page that wakes sends a ping, and drops a silent connection', () => {
  const { transport, socket, sockets, clock } = connected();
  socket().say(WELCOME);
  transport.wake();
  assert.equal(socket().sentOf('ping').length, 1);
  clock.advance(6_000);
  assert.equal(sockets.length, 2);
});

test('the return of the network ends the wait', () => {
  const { transport, socket, sockets } = connected();
  socket().end(1006);
  transport.wake();
  assert.equal(sockets.length, 2);
});

test('a connection without a welcome times out', () => {
  const { sockets, clock, received } = connected();
  clock.advance(10_000);
  assert.deepEqual(phases(received), ['connecting', 'waiting']);
  clock.advance(1_000);
  assert.equal(sockets.length, 2);
});

test('a dropped connection is closed for a return, and one that is left for good is not', () => {
  const { transport, sockets, socket, clock } = connected();
  clock.advance(10_000);
  assert.equal(sockets[0].closedWith, 4000);
  clock.advance(500);
  assert.equal(sockets.length, 2);
  socket().say(WELCOME);
  transport.close();
  assert.equal(sockets[1].readyState, 3);
  assert.equal(sockets[1].closedWith, undefined);
});

test('frames of a dropped connection are ignored', () => {
  const { transport, socket, sockets, clock, received } = connected();
  socket().say(WELCOME);
  transport.wake();
  clock.advance(6_000);
  const before = received.frames.length;
  sockets[0].say({ type: 'text', seq: 1 });
  sockets[0].end(4403);
  assert.equal(received.frames.length, before);
  assert.equal(received.statuses.at(-1).phase, 'connecting');
});

test('bytes that are not a frame are ignored', () => {
  const { socket, received } = connected();
  socket().say(WELCOME);
  for (const data of ['', '{', '[]', '"x"', 'null', '{"type":5}']) socket().onmessage({ data });
  assert.equal(received.frames.length, 1);
});

test('frames of an unknown type are passed on, "constructor" included', () => {
  const { socket, received } = connected();
  socket().say(WELCOME);
  socket().say({ type: 'constructor' });
  assert.equal(received.frames.at(-1).type, 'constructor');
});

/** A session whose joins are asked again after a loss, and not answered yet. */
function rejoining(...names) {
  const line = connected();
  for (const name of names) line.transport.join(name);
  line.socket().say(WELCOME);
  for (const name of names) line.socket().say(joined(name));
  line.socket().end(1006);
  line.clock.advance(1_000);
  line.socket().say(WELCOME);
  line.socket().say({ type: 'auth_success', user_id: 'u1', username: 'রহিম', token: 't' });
  line.received.frames.length = 0;
  return line;
}

const newsOf = ({ frames }) => frames.map(({ type, room_id: room }) => `${type} ${room ?? ''}`.trim());

test('a room that is left before its join is answered takes no other room\'s place', () => {
  const { transport, socket, received } = rejoining('A', 'B');
  transport.leave('A');
  socket().say(joined('A'));
  socket().say(joined('B'));
  assert.deepEqual(received.renamed, []);
  assert.deepEqual(newsOf(received).filter((it) => it.startsWith('joined')), ['joined B']);
  assert.deepEqual([transport.post(newItem({ room: 'A' })), transport.post(newItem({ room: 'B' }))], [false, true]);
});

test('a room that is left and joined again is joined by the second answer', () => {
  const { transport, socket, received } = rejoining('A', 'B');
  transport.leave('A');
  transport.join('A');
  socket().say(joined('A'));
  assert.equal(transport.post(newItem({ room: 'A' })), false);
  socket().say(joined('B'));
  socket().say({ type: 'left', room_id: 'A' });
  socket().say(joined('A'));
  assert.equal(transport.post(newItem({ room: 'A' })), true);
  assert.deepEqual(newsOf(received).slice(-3), ['joined B', 'left A', 'joined A']);
});

test('the refusal of a join that was given up, and of its leave, say nothing of the next join', () => {
  const { transport, socket, clock, received } = rejoining('A');
  transport.leave('A');
  transport.join('A');
  const before = received.frames.length;
  socket().say({ type: 'error', code: 'forbidden', room_id: 'A' });
  socket().say({ type: 'error', code: 'not_in_room', room_id: 'A' });
  assert.equal(received.frames.length, before);
  socket().say({ type: 'error', code: 'unavailable', room_id: 'A', retry_after_ms: 700 });
  clock.advance(700);
  assert.equal(socket().sentOf('join').length, 3);
  socket().say(joined('A'));
  assert.equal(transport.post(newItem({ room: 'A' })), true);
});

test('a room that the server calls by another name has it, in the order of asking', () => {
  const { transport, socket, received } = connected();
  socket().say(WELCOME);
  for (const name of ['a\u0301', 'B', 'C\u200b', 'D']) transport.join(name);
  transport.leave('C\u200b');
  for (const name of ['\u00e1', 'B', 'C', 'D']) socket().say(joined(name));
  assert.deepEqual(received.renamed, [['a\u0301', '\u00e1']]);
  assert.deepEqual(['\u00e1', 'B', 'C', 'D'].map((room) => transport.post(newItem({ room }))), [true, true, false, true]);
});

test('joins that a lost socket did not answer are not waited for on the next one', () => {
  const { transport, socket, clock, received } = rejoining('A', 'B');
  transport.leave('A');
  socket().end(1006);
  clock.advance(1_000);
  socket().say(WELCOME);
  socket().say({ type: 'auth_success', user_id: 'u1', username: 'রহিম', token: 't' });
  transport.join('A');
  socket().say(joined('B'));
  socket().say(joined('A'));
  assert.deepEqual(received.renamed, []);
  assert.equal(transport.post(newItem({ room: 'A' })), true);
});
