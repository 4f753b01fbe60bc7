// Reads that are asked again: one at a time, once more for news meanwhile, later after a failure.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAsking } from '../../public/js/app/asking.js';
import { FakeClock, settled } from './fakes.js';

/** Reads that the test answers: `answer(error)` the one that is under way; `keys` are those of all reads. */
function reads(parts = {}) {
  const clock = new FakeClock();
  const keys = [];
  let finish = null;
  const read = (key) => {
    keys.push(key);
    return new Promise((resolve, reject) => { finish = (error) => (error ? reject(error) : resolve()); });
  };
  const asking = createAsking({ timers: clock, random: () => 0.5, read, ...parts });
  const answer = (error) => {
    finish(error);
    return settled();
  };
  const pass = (milliseconds) => {
    clock.advance(milliseconds);
    return settled();
  };
  return { asking, keys, answer, pass };
}

const refused = (status, details = {}) => Object.assign(new Error(`answered ${status}`), { status, details });

test('one is under way at a time, and once more for all news that came meanwhile', async () => {
  const { asking, keys, answer, pass } = reads();
  asking.ask();
  for (let news = 0; news < 5; news += 1) asking.askSoon();
  await pass(1_000);
  assert.equal(keys.length, 1);
  await answer();
  assert.equal(keys.length, 2);
  await answer();
  await pass(60_000);
  assert.equal(keys.length, 2);
});

test('news of the server is asked for within a quarter of a second, once', async () => {
  const { asking, keys, pass } = reads({ random: () => 0.999 });
  asking.askSoon();
  asking.askSoon();
  await pass(200);
  assert.deepEqual(keys, []);
  await pass(50);
  assert.equal(keys.length, 1);
});

test('after a failure it is asked again, later each time, until there is an answer', async () => {
  const { asking, keys, answer, pass } = reads();
  asking.ask();
  for (const waitMs of [1_500, 3_000, 6_000, 12_000, 12_000]) {
    const before = keys.length;
    await answer(new TypeError('no network'));
    await pass(waitMs - 1);
    assert.equal(keys.length, before, `${waitMs}`);
    await pass(1);
    assert.equal(keys.length, before + 1, `${waitMs}`);
  }
  await answer();
  await pass(600_000);
  assert.equal(keys.length, 6);
});

test('a server that says how long to wait is left alone for that long, whatever news there is', async () => {
  const { asking, keys, answer, pass } = reads();
  asking.ask();
  await answer(refused(429, { retry_after_ms: 20_000 }));
  asking.ask();
  asking.askSoon();
  await pass(19_900);
  assert.equal(keys.length, 1);
  await pass(700);
  assert.equal(keys.length, 2);
});

test('a refusal is an answer, and each of several things is read', async () => {
  const { asking, keys, answer, pass } = reads();
  asking.ask('a');
  asking.ask('b');
  await answer(refused(403));
  await answer(refused(503));
  asking.ask('c');
  await answer();
  await answer();
  await pass(60_000);
  assert.deepEqual(keys, ['a', 'b', 'b', 'c']);
});

test('nothing is asked that nobody wants any more', async () => {
  const is = { wanted: true };
  const { asking, keys, answer, pass } = reads({ isWanted: () => is.wanted });
  asking.ask();
  await answer(refused(503));
  is.wanted = false;
  await pass(60_000);
  assert.equal(keys.length, 1);
  is.wanted = true;
  await pass(60_000);
  assert.equal(keys.length, 1, 'it is forgotten');
});
