import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closePolicy } from '../../public/js/net/close_codes.js';

test('a restart, a slow reader and a lost connection reconnect', () => {
  for (const code of [1012, 4009, 1001, 1006, 1011, null]) assert.equal(closePolicy(code).back, 'soon', String(code));
  assert.equal(closePolicy(1012).reason, 'restarting');
});

test('after a close that would only repeat itself the client stays away, and says why', () => {
  const reasons = { 4400: 'bad_frame', 4401: 'not_signed_in', 4403: 'banned', 1009: 'too_big' };
  for (const [code, reason] of Object.entries(reasons)) {
    assert.deepEqual(closePolicy(Number(code)), { back: 'never', reason });
  }
});

test('flooding reconnects later', () => {
  assert.deepEqual(closePolicy(4429), { back: 'later', reason: 'too_fast' });
});
