import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoff, longBackoff } from '../../public/js/net/backoff.js';

const latest = () => 0.999999;

test('the first try comes within half a second, later ones double up to half a minute', () => {
  assert.deepEqual([0, 1, 2, 3, 6, 7, 50].map((tries) => backoff(tries, latest, 120_000)),
    [500, 1000, 2000, 4000, 30_000, 30_000, 30_000]);
});

test('the jitter is full: the whole range down to nothing is used', () => {
  assert.equal(backoff(9, () => 0, 120_000), 0);
  assert.equal(backoff(9, () => 0.5, 120_000), 15_000);
});

test('reconnecting takes no longer than the outage', () => {
  for (const [awayMs, most] of [[0, 1_000], [1_500, 1_000], [7_000, 3_500], [20_000, 10_000], [60_000, 30_000], [600_000, 30_000]]) {
    assert.equal(backoff(50, latest, awayMs), most, `${awayMs} ms`);
  }
});

test('"later" is never soon', () => {
  assert.equal(longBackoff(() => 0), 15_000);
  assert.equal(longBackoff(latest), 30_000);
});
