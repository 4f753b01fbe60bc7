import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countCharacters, parseName } from '../../public/js/state/names.js';

test('a Bengali name with its joiners is whole', () => {
  assert.deepEqual(parseName('  র‍্যাব ক্ষমা ', 32), { value: 'র‍্যাব ক্ষমা' });
});

test('a name is normalised, and invisible ends are cut', () => {
  assert.equal(parseName('\u202ee\u0301\u200b', 32).value, 'é');
});

test('nothing to see is empty', () => {
  for (const text of ['', '   ', '\u200b\u202e']) assert.deepEqual(parseName(text, 32), { problem: 'empty' });
});

test('what the eye cannot see inside a name is refused', () => {
  for (const text of ['a\u202eb', 'a\u0000b', 'a\nb']) assert.deepEqual(parseName(text, 32), { problem: 'control' });
});

test('length is counted in characters, not in bytes or UTF-16 units', () => {
  assert.equal(parseName('😀'.repeat(32), 32).problem, undefined);
  assert.equal(parseName('😀'.repeat(33), 32).problem, 'too_long');
  assert.equal(countCharacters('ক্ষ'), 3);
});
