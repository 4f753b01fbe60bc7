import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatted, plainText } from '../../public/js/state/text/formatting.js';
import { styledSpans } from '../../public/js/state/text/styled_spans.js';

const STYLES = { isBold: 'b', isItalic: 'i', isStruck: 's', isCode: 'c', href: 'a' };
const sketch = (spans) => spans.map((span) => {
  const styles = Object.entries(STYLES).filter(([style]) => span[style]).map(([, letter]) => letter).join('');
  return styles === '' ? span.text : `${styles}(${span.text})`;
}).join('|');

test('signs around words are styles, inside words they are what they are', () => {
  const cases = {
    'plain': 'plain', '*bold*': 'b(bold)', 'a *খুব ভালো* b': 'a |b(খুব ভালো)| b', '_ধীরে_': 'i(ধীরে)',
    '*a _b_ c*': 'b(a )|bi(b)|b( c)', '2*3*4': '2*3*4', 'snake_case_name': 'snake_case_name', '* not*': '* not*',
    '*not *': '*not *', '**': '**', '*a* *b*': 'b(a)| |b(b)', '`*code*`': 'c(*code*)', '*open': '*open',
    'নাম*টি*র': 'নাম*টি*র', '*a\nb*': '*a\nb*', '(*x*)': '(|b(x)|)', '~না~ হ্যাঁ': 's(না)| হ্যাঁ', '~*a*~': 'bs(a)', '2~3~4': '2~3~4', '~~': '~~', '~/bin and ~/lib': '~/bin and ~/lib', '*x*': 'b(x)',
  };
  for (const [text, expected] of Object.entries(cases)) assert.equal(sketch(styledSpans(text)), expected, text);
});

test('an address keeps its signs, and may stand in a style', () => {
  assert.equal(sketch(styledSpans('https://a.org/_x_/*y*z')), 'a(https://a.org/_x_/*y*z)');
  assert.equal(sketch(styledSpans('see *https://a.org/x now*')), 'see |b(now)'.replace('b(now)', 'ba(https://a.org/x)|b( now)'));
});

test('code between fences is kept as it is', () => {
  assert.deepEqual(formatted('```js\n*a*\n\n  b\n```'), [{ kind: 'code', text: '*a*\n\n  b' }]);
  assert.equal(formatted('```\nno end').length, 1);
  assert.equal(formatted('```\nno end')[0].kind, 'text');
});

test('quotes and lists are blocks, and the blank lines beside them are none', () => {
  const blocks = formatted('> ক\n> খ\n\nউত্তর\n\n- এক\n- দুই\n২. খ\n৩. গ');
  assert.deepEqual(blocks.map(({ kind }) => kind), ['quote', 'text', 'list', 'list']);
  assert.deepEqual(blocks[0].spans, [{ text: 'ক\nখ' }]);
  assert.deepEqual(blocks[1].spans, [{ text: 'উত্তর' }]);
  assert.deepEqual(blocks[2].items, [[{ text: 'এক' }], [{ text: 'দুই' }]]);
  assert.deepEqual([blocks[3].isOrdered, blocks[3].start], [true, 2]);
});

test('one line with a dash, or with a number, is no list', () => {
  for (const text of ['- কেমন আছো?', '1. x', '-x\n-y', '3.5\n4.5', '> ', '>:( no']) {
    assert.ok(['text', 'quote'].includes(formatted(text)[0].kind), text);
  }
  assert.equal(formatted('>:( no')[0].kind, 'text');
});

test('text without any markup is one run, letter for letter', () => {
  const text = ' a\n\n b  \n<b>&amp;</b> {x} ';
  assert.deepEqual(formatted(text), [{ kind: 'text', spans: [{ text }] }]);
});

test('a long line of signs is read in no time', () => {
  for (const text of ['*'.repeat(4_000), '_a '.repeat(1_300), '`'.repeat(4_000), '*a'.repeat(2_000), '> '.repeat(2_000), '- a\n'.repeat(1_000)]) {
    assert.ok(formatted(text).length > 0);
  }
});

test('more than two blank lines are two, but not in code', () => {
  const said = (text) => formatted(text)[0].spans?.map((span) => span.text).join('') ?? formatted(text)[0].text;
  assert.equal(said('a\n\n\nb'), 'a\n\n\nb');
  assert.equal(said(`a${'\n \t'.repeat(30)}\nb`), 'a\n \t\n \t\nb');
  assert.equal(said(`a\n${'\n'.repeat(3_000)}b\n\n\n\n\nc`), 'a\n\n\nb\n\n\nc');
  assert.equal(said(`> a${'\n> '.repeat(9)}\n> b`), 'a\n\n\nb');
  assert.equal(said('```\na\n\n\n\n\nb\n```'), 'a\n\n\n\n\nb');
});

test('a text for a voice or a notification has no signs', () => {
  assert.equal(plainText('*bold* and `code`, https://example.org/a_b_\n> said\n- one\n- _two_\n```\nx * y\n```'), 'bold and code, https://example.org/a_b_\nsaid\none\ntwo\nx * y');
  assert.deepEqual([plainText(''), plainText('2*3*4')], ['', '2*3*4']);
});
