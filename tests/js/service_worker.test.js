// The service worker with fake open pages and a click on a notification.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createContext, runInContext } from 'node:vm';

const source = readFileSync(new URL('../../public/sw.js', import.meta.url), 'utf8');
const SCOPE = 'https://chat.test/adda/';

async function click(urls) {
  const done = [];
  const handlers = {};
  const pages = urls.map((url) => ({ url, postMessage: (words) => done.push({ url, words }), focus: async () => done.push({ focused: url }) }));
  const self = {
    registration: { scope: SCOPE },
    addEventListener: (type, handler) => { handlers[type] = handler; },
    clients: { matchAll: async () => pages, openWindow: async (url) => done.push({ opened: url }) },
  };
  runInContext(source, createContext({ self, URL }));
  let waited;
  handlers.notificationclick({
    notification: { data: { address: '?room=%E0%A6%9A%E0%A6%BE#7' }, close: () => done.push('closed') },
    waitUntil: (promise) => { waited = promise; },
  });
  await waited;
  return JSON.parse(JSON.stringify(done));
}

test('a click on a notification leads an open page to the message, and to the front', async () => {
  const page = `${SCOPE}?room=general`;
  assert.deepEqual(await click(['https://chat.test/other', page]), [
    'closed', { url: page, words: { type: 'open', address: '?room=%E0%A6%9A%E0%A6%BE#7' } }, { focused: page },
  ]);
});

test('without an open page it opens one there', async () => {
  assert.deepEqual(await click(['https://chat.test/other']), ['closed', { opened: `${SCOPE}?room=%E0%A6%9A%E0%A6%BE#7` }]);
});

// --- the kept shell ---

// Installs the worker of the build B, whose files `answers` gives. Returns what is kept, or the error.
async function install(answers) {
  const kept = new Map();
  const handlers = {};
  const self = {
    registration: { scope: SCOPE },
    addEventListener: (type, handler) => { handlers[type] = handler; },
    skipWaiting: async () => {},
  };
  const caches = { open: async (name) => ({ put: async (url, answer) => kept.set(`${name} ${url}`, await answer.text()) }) };
  const fetch = async (url) => answers[url.slice(SCOPE.length)].clone();
  const written = source.replace("{ build: '', files: [] }", JSON.stringify({ build: 'B', files: ['v/B/client.js'] }));
  assert.notEqual(written, source);
  runInContext(written, createContext({ self, URL, caches, fetch }));
  let waited;
  handlers.install({ waitUntil: (promise) => { waited = promise; } });
  return waited.then(() => [...kept], (error) => error.message);
}

const FOREVER = { headers: { 'cache-control': 'public, max-age=31536000, immutable' } };
const PAGE_OF_B = new Response('<script src="v/B/client.js">');

test('the page and the files of the build are kept', async () => {
  const kept = await install({ '': PAGE_OF_B, 'v/B/client.js': new Response('of B', FOREVER) });
  assert.deepEqual(kept.sort(), [[`adda-B ${SCOPE}`, '<script src="v/B/client.js">'], [`adda-B ${SCOPE}v/B/client.js`, 'of B']]);
});

test('nothing is kept while a node of another build answers', async () => {
  const file = new Response('of A', { headers: { 'cache-control': 'no-cache' } });
  assert.match(await install({ '': PAGE_OF_B, 'v/B/client.js': file }), /not of the build B/);
  const page = new Response('<script src="v/A/client.js">');
  assert.match(await install({ '': page, 'v/B/client.js': new Response('of B', FOREVER) }), /not of the build B/);
  const refusal = new Response('', { ...FOREVER, status: 503 });
  assert.match(await install({ '': PAGE_OF_B, 'v/B/client.js': refusal }), /not of the build B/);
});
