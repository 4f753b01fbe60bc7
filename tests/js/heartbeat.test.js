// A silent connection: one timer, then a ping.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHeartbeat } from '../../public/js/net/heartbeat.js';
import { FakeClock } from './fakes.js';

test('frames in a row set no timer each, and the silence counts from the last', () => {
  const clock = new FakeClock();
  let pings = 0;
  const heartbeat = createHeartbeat({ timers: clock, ping: () => { pings += 1; }, onDead: () => {} });
  heartbeat.onFrame();
  for (let second = 0; second < 20; second += 1) {
    clock.advance(1_000);
    heartbeat.onFrame();
  }
  assert.equal(clock.timersSet, 1);
  clock.advance(29_999);
  assert.equal(pings, 0);
  clock.advance(1);
  assert.equal(pings, 1);
});
