import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoff, longBackoff } from '../../public/js/net/backoff.js';

const latest = () => 0.999999;

test('the first try comes within half a second, later ones double up to half a minute', () => {
  assert.deepEqual([0, 1, 2, 3, 6, 7, 50].map((tries) => backoff(tries, latest)),
    [500, 1000, 2000, 4000, 30_000, 30_000, 30_000]);
});

test('the jitter is full: the whole range down to nothing is used', () => {
  assert.equal(backoff(9, () => 0), 0);
  assert.equal(backoff(9, () => 0.5), 15_000);
});

test('"later" is never soon', () => {
  assert.equal(longBackoff(() => 0), 15_000);
  assert.equal(longBackoff(latest), 30_000);
});
