// The connection of the dashboard.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFeed } from '../../public/js/dashboard/feed.js';
import { FakeClock, fakeSockets } from './fakes.js';

function feedWith(answer = 'yes') {
  const clock = new FakeClock();
  const net = fakeSockets();
  const [texts, states] = [[], []];
  const feed = createFeed({
    url: 'ws://host/ws/dashboard',
    WebSocket: net.FakeWebSocket,
    timers: clock,
    random: () => 0.5,
    mayRead: async () => answer,
    onText: (text) => texts.push(text),
    onState: ({ phase, isStale }) => states.push(isStale ? `${phase}, stale` : phase),
  });
  feed.start();
  return { clock, net, texts, states, feed, answerWith: (next) => (answer = next) };
}

// A promise that is resolved is taken up in a turn of its own.
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('frames are handed on, and a silence of five seconds makes the figures stale', async () => {
  const { clock, net, texts, states } = feedWith();
  await turn();
  net.last().say({ n: 1 });
  clock.advance(4_000);
  assert.deepEqual(states, ['connecting', 'open']);
  clock.advance(2_000);
  assert.deepEqual(states.slice(2), ['open, stale']);
  net.last().say({ n: 2 });
  assert.deepEqual(states.slice(3), ['open']);
  assert.deepEqual(texts, ['{"n":1}', '{"n":2}']);
});

test('a lost connection is told and comes back', async () => {
  const { clock, net, states } = feedWith();
  await turn();
  net.last().say({});
  net.last().end(1006);
  assert.deepEqual(states, ['connecting', 'open', 'lost']);
  clock.advance(1_000);
  await turn();
  assert.equal(net.sockets.length, 2);
  net.last().say({});
  assert.equal(states.at(-1), 'open');
});

test('a connection that is silent for long is given up', async () => {
  const { clock, net, states } = feedWith();
  await turn();
  net.last().say({});
  clock.advance(16_000);
  assert.equal(net.sockets[0].readyState, 3);
  assert.equal(states.at(-1), 'lost, stale');
  await turn();
  clock.advance(2_000);
  await turn();
  assert.equal(net.sockets.length, 2);
});

test('a connection that never says anything is given up, too', async () => {
  const { clock, net, states } = feedWith();
  await turn();
  net.last().say({});
  net.last().end(1006);
  clock.advance(1_000);
  await turn();
  // Opening for ever, as behind a network that swallows everything.
  clock.advance(16_000);
  await turn();
  clock.advance(2_000);
  await turn();
  assert.deepEqual([net.sockets.length, net.sockets[1].readyState, states.at(-1)], [3, 3, 'lost, stale']);
});

test('without the right nothing is opened until somebody tries again', async () => {
  const { clock, net, states, feed, answerWith } = feedWith('no');
  await turn();
  clock.advance(60_000);
  await turn();
  assert.deepEqual([net.sockets.length, states.at(-1)], [0, 'refused']);
  answerWith('yes');
  feed.tryNow();
  await turn();
  net.last().say({});
  assert.equal(states.at(-1), 'open');
});

test('a session that loses its right is not opened again', async () => {
  for (const code of [4401, 4403]) {
    const { clock, net, states } = feedWith();
    await turn();
    net.last().say({});
    net.last().end(code);
    clock.advance(60_000);
    await turn();
    assert.deepEqual([net.sockets.length, states.at(-1)], [1, 'refused'], code);
  }
});
