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
