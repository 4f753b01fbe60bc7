// Keys whose letters are another script's.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latinOf } from '../../public/js/ui/page/keyboard.js';

test('a key is known by its Latin letter, also on a Bengali keyboard', () => {
  assert.equal(latinOf({ key: 'ক', code: 'KeyK' }), 'k');
  assert.equal(latinOf({ key: 'া', code: 'KeyF' }), 'f');
  assert.equal(latinOf({ key: 'A', code: 'KeyA' }), 'a');
  assert.equal(latinOf({ key: 'k', code: 'KeyV' }), 'k', 'as a Latin layout has it');
  assert.equal(latinOf({ key: 'Enter', code: 'Enter' }), 'enter');
});
