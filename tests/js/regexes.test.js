// No text may block a page: every regular expression of the page runs on long adversarial inputs, in a worker that is
// killed if one of them does not end.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

// The longest message, and the longest paste that is read.
const LONG = 4_000;
const LONGEST = 16_000;
// A linear expression takes milliseconds; a quadratic one exceeds this on any machine.
const KILLED_AFTER_MS = 60_000;

const unkind = (length) => {
  const filled = (unit) => unit.repeat(Math.ceil(length / unit.length)).slice(0, length);
  const units = ['a', ' ', '\n', '.', ')', '(', '😀', '😀\u200d', '🇧', '1\ufe0f', '\u0300', '\u200b', 'http://', 'http://a', 'a.', '.)', '{a', '&', '!?', '\u{e0061}', 'র্', '`', '*a', '_', '> ', '-', ':', '/'];
  return units.flatMap((unit) => [filled(unit), `${filled(unit)}x`, `x${filled(unit)}`, `http://a${filled(unit)}x`, `${filled(unit)} x`, `${filled(unit)}x${filled(')')}`]);
};

/** `[[what, () => void]]`: the page's own functions on texts, and each literal by itself. */
async function runs() {
  const { splitLinks } = await import('../../public/js/state/text/links.js');
  const { isEmojiOnly } = await import('../../public/js/state/text/emoji.js');
  const { firstGrapheme } = await import('../../public/js/state/text/graphemes.js');
  const { hasVisible, wellFormed } = await import('../../public/js/state/text/characters.js');
  const { parseName, parseRoom, tidied } = await import('../../public/js/state/text/names.js');
  const { linesOf } = await import('../../public/js/state/timeline/lines.js');
  const { formatted } = await import('../../public/js/state/text/formatting.js');
  const { parseCommand } = await import('../../public/js/state/text/commands.js');
  const { isMentioned } = await import('../../public/js/state/text/mentions.js');
  const functions = { formatted, parseCommand, isMentioned: (text) => isMentioned(text, 'a'), splitLinks, isEmojiOnly, hasVisible, wellFormed, tidied,
    firstGrapheme: (text) => firstGrapheme(text, undefined), parseName: (text) => parseName(text, 32),
    parseRoom: (text) => parseRoom(text, 1_024), linesOf: (text) => linesOf(text, 72, 21) };
  const literals = sources().flatMap(([name, source]) => literalsIn(source).map((literal) => [`${name}: ${literal}`, asFunction(literal)]));
  return [...Object.entries(functions), ...literals];
}

function sources() {
  const base = new URL('../../public/js/', import.meta.url);
  const names = readdirSync(base, { recursive: true }).filter((name) => name.endsWith('.js'));
  return names.map((name) => [name, readFileSync(new URL(name, base), 'utf8')]);
}

// A slash that begins an expression, up to the one that ends it, with its flags.
function literalsIn(source) {
  const code = source.replace(/^\s*(\/\/|\*|\/\*).*$/gm, '');
  return [...code.matchAll(/(?<=[(=,:!&|?\s])\/(?![*/ ])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*(?=[\s.,;)])/g)].map(([literal]) => literal);
}

function asFunction(literal) {
  const end = literal.lastIndexOf('/');
  const expression = new RegExp(literal.slice(1, end), literal.slice(end + 1));
  return (text) => text.replace(expression, '');
}

if (isMainThread) {
  test('every regular expression of the page is done with the longest text', async () => {
    const worker = new Worker(new URL(import.meta.url), { workerData: true });
    let running = 'nothing';
    const done = await new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        worker.terminate();
        reject(new Error(`not done: ${running}`));
      }, KILLED_AFTER_MS);
      worker.on('message', (message) => {
        running = message;
        if (message.done) {
          clearTimeout(timer);
          resolve(message.done);
        }
      });
      worker.on('error', reject);
    });
    assert.ok(done > 15, `${done} were found`);
  });
} else if (workerData === true) {
  const all = await runs();
  for (const [what, run] of all) {
    for (const length of [LONG, LONGEST]) {
      parentPort.postMessage(`${what} on ${length}`);
      for (const text of unkind(length)) run(text);
    }
  }
  parentPort.postMessage({ done: all.length });
}
