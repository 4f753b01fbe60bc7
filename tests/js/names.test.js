import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { hasVisible } from '../../public/js/state/text/characters.js';
import { JOINS_NEXT, JOINS_PREVIOUS, VIRAMA } from '../../public/js/state/text/joining.js';
import { countCharacters, parseName, parseRoom, tidied } from '../../public/js/state/text/names.js';

const cases = JSON.parse(readFileSync(new URL('../names.json', import.meta.url), 'utf8'));

for (const [parse, list] of [[(text) => parseName(text, 32), cases.names], [(text) => parseRoom(text, 64), cases.rooms]]) {
  for (const { given, value, problem, why } of list) {
    test(`${JSON.stringify(given.slice(0, 40))} is ${problem ?? 'a name'}: ${why}`, () => {
      assert.deepEqual(parse(given), problem ? { problem } : { value });
    });
  }
}

for (const { given, is_visible: isVisible } of cases.texts) {
  test(`${JSON.stringify(given)} ${isVisible ? 'has something' : 'has nothing'} to see`, () => assert.equal(hasVisible(given), isVisible));
}

test('the ranges are those that the server asks Unicode for', () => {
  for (const [kind, ranges] of [[VIRAMA, cases.virama], [JOINS_NEXT, cases.joins_next], [JOINS_PREVIOUS, cases.joins_previous]]) {
    const isIn = new Set(ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, index) => first + index)));
    for (let code = 0; code <= 0x10ffff; code += 1) assert.equal(kind.test(String.fromCodePoint(code)), isIn.has(code), code.toString(16));
  }
});

test('half a character is no name', () => {
  assert.deepEqual(parseName('a\ud83d', 32), { problem: 'hidden' });
});

test('repeated blanks are removed while typing', () => {
  assert.equal(tidied(' a  b\t\u00a0c '), ' a b c ');
});

test('length is counted in characters, not in bytes or UTF-16 units', () => {
  assert.equal(countCharacters('ক্ষ'), 3);
});
