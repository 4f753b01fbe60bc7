import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyConnection, isAway, bannerOf, withNetwork, withStatus, withUnavailable } from '../../public/js/state/connection.js';

const after = (...steps) => steps.reduce((connection, [now, status]) => withStatus(connection, status, now), emptyConnection());
const lost = (reason, retryAt = 9_000) => ({ phase: 'waiting', reason, retryAt });
const online = [0, { phase: 'online' }];

test('a short interruption is not shown', () => {
  const connection = after(online, [1_000, lost('lost')]);
  assert.equal(bannerOf(connection, 2_999), null);
  assert.deepEqual(bannerOf(connection, 3_000), { kind: 'reconnecting', seconds: 6 });
});

test('an outage begins with the first failure, not with the last', () => {
  const connection = after(online, [1_000, lost('lost', 1_200)], [1_200, { phase: 'connecting' }], [2_900, lost('lost')]);
  assert.equal(connection.lostAt, 1_000);
  assert.equal(bannerOf(connection, 3_000).kind, 'reconnecting');
});

test('a restart, a slow reader and flooding are named', () => {
  for (const reason of ['restarting', 'slow', 'too_fast']) {
    assert.equal(bannerOf(after(online, [0, lost(reason)]), 5_000).kind, reason);
  }
});

test('a restart stays a restart while the server refuses the first tries', () => {
  const connection = after(online, [0, lost('restarting')], [500, { phase: 'connecting' }], [600, lost('lost')]);
  assert.equal(bannerOf(connection, 5_000).kind, 'restarting');
});

test('the reason of one outage is not that of the next', () => {
  const connection = after(online, [0, lost('restarting')], [500, { phase: 'online' }], [9_000, lost('lost')]);
  assert.equal(connection.reason, 'lost');
});

test('a missing network is the only reason shown, before the connection has failed', () => {
  const offline = withNetwork(after(online), false, 1_000);
  assert.equal(bannerOf(offline, 1_999), null);
  assert.deepEqual(bannerOf(offline, 2_000), { kind: 'offline' });
  assert.equal(isAway(offline, 2_000), true);
  assert.deepEqual(bannerOf(withStatus(offline, lost('lost'), 4_000), 9_000), { kind: 'offline' });
  assert.equal(bannerOf(withNetwork(offline, true, 3_500), 4_000), null);
});

test('a server that refuses posts is shown at once, and only while it refuses', () => {
  const away = withUnavailable(after(online), 1_000);
  assert.deepEqual(bannerOf(away, 1_000), { kind: 'unavailable' });
  assert.equal(bannerOf(withUnavailable(away, null), 1_100), null);
  assert.equal(bannerOf(away, 11_000), null);
});

test('a refusal is shown at once with its reason', () => {
  const connection = after(online, [100, { phase: 'refused', reason: 'banned' }]);
  assert.deepEqual(bannerOf(connection, 100), { kind: 'refused', reason: 'banned', until: null, words: null });
});

test('a ban says until when, and why, in the words of who set it', () => {
  const connection = after(online, [100, { phase: 'refused', reason: 'banned', retryAfterMs: 60_000, words: 'ঝগড়া' }]);
  assert.deepEqual(bannerOf(connection, 100), { kind: 'refused', reason: 'banned', until: 60_100, words: 'ঝগড়া' });
});

test('a reconnect ends the status', () => {
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
