import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyConnection, isAway, stripOf, withStatus } from '../../public/js/state/connection.js';

const after = (...steps) => steps.reduce((connection, [now, status]) => withStatus(connection, status, now), emptyConnection());
const lost = (reason, retryAt = 9_000) => ({ phase: 'waiting', reason, retryAt });
const online = [0, { phase: 'online' }];

test('a blip is not worth a word', () => {
  const connection = after(online, [1_000, lost('lost')]);
  assert.equal(stripOf(connection, { now: 2_999, isNetworkUp: true }), null);
  assert.deepEqual(stripOf(connection, { now: 3_000, isNetworkUp: true }), { kind: 'reconnecting', seconds: 6 });
});

test('the loss began with the first failure, not with the last', () => {
  const connection = after(online, [1_000, lost('lost', 1_200)], [1_200, { phase: 'connecting' }], [2_900, lost('lost')]);
  assert.equal(connection.lostAt, 1_000);
  assert.equal(stripOf(connection, { now: 3_000, isNetworkUp: true }).kind, 'reconnecting');
});

test('a restart, a slow line and too much haste are named', () => {
  for (const reason of ['restarting', 'slow', 'too_fast']) {
    assert.equal(stripOf(after(online, [0, lost(reason)]), { now: 5_000, isNetworkUp: true }).kind, reason);
  }
});

test('a restart stays a restart while the server refuses the first tries', () => {
  const connection = after(online, [0, lost('restarting')], [500, { phase: 'connecting' }], [600, lost('lost')]);
  assert.equal(stripOf(connection, { now: 5_000, isNetworkUp: true }).kind, 'restarting');
});

test('the reason of one loss is not that of the next', () => {
  const connection = after(online, [0, lost('restarting')], [500, { phase: 'online' }], [9_000, lost('lost')]);
  assert.equal(connection.reason, 'lost');
});

test('without a network that is all there is to say', () => {
  assert.deepEqual(stripOf(after([0, lost('lost')]), { now: 5_000, isNetworkUp: false }), { kind: 'offline' });
});

test('a refusal is told at once and says why', () => {
  const connection = after(online, [100, { phase: 'refused', reason: 'banned' }]);
  assert.deepEqual(stripOf(connection, { now: 100, isNetworkUp: true }), { kind: 'refused', reason: 'banned' });
});

test('being back is the end of it', () => {
  const connection = after([0, lost('restarting')], [5_000, { phase: 'online' }]);
  assert.equal(stripOf(connection, { now: 9_000, isNetworkUp: true }), null);
});

test('who moves to another node has not been away; who waits for one has', () => {
  const moving = withStatus(emptyConnection(), { phase: 'waiting', reason: 'restarting', retryAt: 300 }, 0);
  assert.equal(isAway(moving, 1_999), false);
  assert.equal(isAway(moving, 2_000), true);
  assert.equal(isAway(withStatus(moving, { phase: 'online' }, 300), 5_000), false);
  assert.equal(isAway(withStatus(moving, { phase: 'refused', reason: 'bad_frame' }, 300), 300), true);
  assert.equal(isAway(emptyConnection(), 0), true);
});
