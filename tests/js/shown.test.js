// How a message is shown: large, folded, linked; and what stands for a person without a picture.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { badgeOf } from '../../public/js/state/rooms/badge.js';
import { isEmojiOnly } from '../../public/js/state/text/emoji.js';
import { firstGrapheme } from '../../public/js/state/text/graphemes.js';
import { linesOf } from '../../public/js/state/timeline/lines.js';

test('up to three emoji alone are large, flags and keycaps among them', () => {
  for (const text of ['😀', '🇧🇩', '1️⃣', '#⃣', '❤️', '👩🏽‍🚀', '👨‍👩‍👧‍👦', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '🏳️‍🌈', '🏴‍☠️', '👍🏽 👍🏽 👍🏽', '🎉🎉🎉']) {
    assert.equal(isEmojiOnly(text), true, text);
  }
  for (const text of ['', 'a', '1', '#', '©', '❤', '😀a', '😀😀😀😀', '🇧', '12️⃣', '😀'.repeat(1_000), ' ']) {
    assert.equal(isEmojiOnly(text), false, text);
  }
});

test('a letter with its marks stands for a name, with and without a segmenter', () => {
  assert.equal(firstGrapheme('শ্রী'), 'শ্রী');
  for (const [name, first] of [['রহিম', 'র'], ['কাকা', 'কা'], ['🇧🇩 দল', '🇧🇩'], ['e\u0301a', 'e\u0301'], ['😀', '😀'], ['', '']]) {
    assert.equal(firstGrapheme(name, null), first, name);
  }
});

test('lines are counted as they would be broken, and no further than asked', () => {
  assert.equal(linesOf('', 10, 21), 1);
  assert.equal(linesOf('x'.repeat(25), 10, 21), 3);
  assert.equal(linesOf('a\n\nb', 10, 21), 3);
  assert.equal(linesOf('\n'.repeat(4_000), 10, 21), 21);
});

test('the dark colours are the same by choice and by system, and each has a light one', () => {
  const css = readFileSync(new URL('../../public/css/page/tokens.css', import.meta.url), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  const tokens = (block) => Object.fromEntries([...block.matchAll(/(--[\w-]+):\s*([^;]+);/g)].map(([, name, value]) => [name, value]));
  const blockAfter = (selector) => css.slice(css.indexOf(selector)).split('{')[1].split('}')[0];
  const bySystem = tokens(blockAfter(':root:not([data-theme="light"])'));
  assert.deepEqual(bySystem, tokens(blockAfter(':root[data-theme="dark"]')));
  const light = tokens(blockAfter(':root {'));
  assert.ok(Object.keys(bySystem).length > 10);
  for (const name of Object.keys(bySystem)) assert.ok(Object.hasOwn(light, name), name);
});

test('the icon says how many messages are unread, as far as it is legible', () => {
  assert.deepEqual([0, 1, 99, 100].map(badgeOf), [null, 1, 99, 'many']);
});

// Of each pair, the second is newer than the page's syntax asks for: it stands behind the first, or nowhere.
const NEWER = [[null, /light-dark\(|@layer|@container|@media[^{]*[<>]|^\s*&/m], [/vh/, /\d(?:dvh|svh|lvh)\b/], [/overflow: hidden( auto)?;/, /overflow: clip/], [/em/, /\dlh\b/]];

// A selector that an engine does not know costs its own rule only.
test('a style that older engines do not know stands behind one that they do', () => {
  const base = new URL('../../public/css/', import.meta.url);
  const files = readdirSync(base, { recursive: true }).filter((name) => name.endsWith('.css'));
  assert.ok(files.length > 10);
  for (const name of files) {
    const css = readFileSync(new URL(name, base), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
    for (const block of css.split('}')) {
      for (const [older, newer] of NEWER) {
        const at = block.search(newer);
        assert.ok(at === -1 || (older !== null && older.test(block.slice(0, at))), `${name}: ${block}`);
      }
    }
  }
});
