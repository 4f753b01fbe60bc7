// The lists of rooms and members: when the page asks for them, counted.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDirectory } from '../../public/js/app/rooms/directory.js';
import { createApi } from '../../public/js/net/api.js';
import { WELCOME, fakeClient, joined, settled } from './fakes.js';

const HOUR_MS = 60 * 60_000;

/** A page with its directory, its requests, and its visibility. */
function fakePage() {
  const client = fakeClient();
  const page = { client, requests: [], isWatched: true, status: 200 };
  const fetch = async (path) => {
    page.requests.push(path);
    return { ok: page.status === 200, status: page.status, json: async () => ({ data: [{ id: 'চা', name: 'চা', client_count: 2 }], next: null }) };
  };
  const { store, chat, clock: timers } = client;
  page.directory = createDirectory({ store, chat, timers, random: client.random, api: createApi({ fetch }), isWatched: () => page.isWatched });
  page.directory.start();
  return page;
}

test('the join page asks for the rooms once, and never again while it is idle', async () => {
  const { client, requests } = fakePage();
  await settled();
  assert.deepEqual(requests, ['api/rooms?limit=200']);
  assert.equal(client.store.state.roomDirectory.rooms[0].id, 'চা');
  client.clock.advance(24 * HOUR_MS);
  await settled();
  assert.equal(requests.length, 1);
});

test('the join page asks once more when its person returns', async () => {
  const page = fakePage();
  page.client.clock.advance(HOUR_MS);
  // A tab that comes to the front becomes visible and gets the focus.
  page.directory.refresh();
  page.directory.refresh();
  await settled();
  assert.equal(page.requests.length, 2);
  page.isWatched = false;
  page.client.clock.advance(HOUR_MS);
  page.directory.refresh();
  assert.equal(page.requests.length, 2, 'a hidden page');
});

test('a list that the join page could not get is asked for again', async () => {
  const page = fakePage();
  page.status = 503;
  page.client.clock.advance(HOUR_MS);
  page.directory.refresh();
  await settled();
  page.status = 200;
  page.client.clock.advance(2_000);
  await settled();
  page.client.clock.advance(HOUR_MS);
  await settled();
  assert.equal(page.requests.length, 3);
});

test('a page in a room watches the list over its socket, and sends no requests', async () => {
  const page = fakePage();
  page.client.chat.enter('রহিম', 'general');
  page.client.socket().say(WELCOME);
  page.client.socket().say(joined('general'));
  page.client.clock.advance(20_000);
  page.directory.refresh();
  assert.deepEqual(page.client.socket().sentOf('rooms').map(({ watch }) => watch), [true]);
  assert.equal(page.requests.length, 1, 'that of the join page');
});
