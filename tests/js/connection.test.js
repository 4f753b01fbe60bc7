import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyConnection, isAway, bannerOf, withNetwork, withStatus, withUnavailable } from '../../public/js/state/connection.js';

const after = (...steps) => steps.reduce((connection, [now, status]) => withStatus(connection, status, now), emptyConnection());
const lost = (reason, retryAt = 9_000) => ({ phase: 'waiting', reason, retryAt });
const online = [0, { phase: 'online' }];

test('a blip is not worth a word', () => {
  const connection = after(online, [1_000, lost('lost')]);
  assert.equal(bannerOf(connection, 2_999), null);
  assert.deepEqual(bannerOf(connection, 3_000), { kind: 'reconnecting', seconds: 6 });
});

test('the loss began with the first failure, not with the last', () => {
  const connection = after(online, [1_000, lost('lost', 1_200)], [1_200, { phase: 'connecting' }], [2_900, lost('lost')]);
  assert.equal(connection.lostAt, 1_000);
  assert.equal(bannerOf(connection, 3_000).kind, 'reconnecting');
});

test('a restart, a slow line and too much haste are named', () => {
  for (const reason of ['restarting', 'slow', 'too_fast']) {
    assert.equal(bannerOf(after(online, [0, lost(reason)]), 5_000).kind, reason);
  }
});

test('a restart stays a restart while the server refuses the first tries', () => {
  const connection = after(online, [0, lost('restarting')], [500, { phase: 'connecting' }], [600, lost('lost')]);
  assert.equal(bannerOf(connection, 5_000).kind, 'restarting');
});

test('the reason of one loss is not that of the next', () => {
  const connection = after(online, [0, lost('restarting')], [500, { phase: 'online' }], [9_000, lost('lost')]);
  assert.equal(connection.reason, 'lost');
});

test('without a network that is all there is to say, and it is said before the line is known to be lost', () => {
  const offline = withNetwork(after(online), false, 1_000);
  assert.equal(bannerOf(offline, 1_999), null);
  assert.deepEqual(bannerOf(offline, 2_000), { kind: 'offline' });
  assert.equal(isAway(offline, 2_000), true);
  assert.deepEqual(bannerOf(withStatus(offline, lost('lost'), 4_000), 9_000), { kind: 'offline' });
  assert.equal(bannerOf(withNetwork(offline, true, 3_500), 4_000), null);
});

test('a server that takes no messages is told of at once, and no longer than it says so', () => {
  const away = withUnavailable(after(online), 1_000);
  assert.deepEqual(bannerOf(away, 1_000), { kind: 'unavailable' });
  assert.equal(bannerOf(withUnavailable(away, null), 1_100), null);
  assert.equal(bannerOf(away, 11_000), null);
});

test('a refusal is told at once and says why', () => {
  const connection = after(online, [100, { phase: 'refused', reason: 'banned' }]);
  assert.deepEqual(bannerOf(connection, 100), { kind: 'refused', reason: 'banned' });
});

test('being back is the end of it', () => {
  const connection = after([0, lost('restarting')], [5_000, { phase: 'online' }]);
  assert.equal(bannerOf(connection, 9_000), null);
});

test('a move to another node is no absence; waiting for one is', () => {
  const moving = withStatus(emptyConnection(), { phase: 'waiting', reason: 'restarting', retryAt: 300 }, 0);
  assert.equal(isAway(moving, 1_999), false);
  assert.equal(isAway(moving, 2_000), true);
  assert.equal(isAway(withStatus(moving, { phase: 'online' }, 300), 5_000), false);
  assert.equal(isAway(withStatus(moving, { phase: 'refused', reason: 'bad_frame' }, 300), 300), true);
  assert.equal(isAway(emptyConnection(), 0), true);
});
