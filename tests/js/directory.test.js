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
  const page = { client, requests: [], answers: [], isWatched: true, status: 200 };
  const fetch = async (path) => {
    page.requests.push(path);
    return { ok: page.status === 200, status: page.status, json: async () => page.answers.shift() ?? { data: [{ id: 'চা', name: 'চা', client_count: 2 }], next: null } };
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

const people = (from, to) => Array.from({ length: to - from }, (_, at) => ({ id: `c${from + at}`, user_id: `u${from + at}`, username: `u${from + at}` }));
const listing = (from, to, next = null) => ({ data: { id: 'general', clients: people(from, to), next } });

/** A page in a room of 251, whose first page of the list came with the join. */
async function inLargeRoom(joining = { client_count: 251, members: people(0, 100) }) {
  const page = fakePage();
  await settled();
  page.client.chat.enter('রহিম', 'general');
  page.client.socket().say(WELCOME);
  page.client.socket().say(joined('general', joining));
  page.requests.length = 0;
  page.room = () => page.client.store.state.rooms.get('general');
  return page;
}

test('the people of a large room are asked for page by page, and its first page at most every 15 seconds', async () => {
  const page = await inLargeRoom();
  page.answers = [listing(0, 100, 'A'), listing(100, 200, 'B'), listing(200, 251)];
  await page.directory.askMembers('next');
  await page.directory.askMembers('first');
  await page.directory.askMembers('next');
  await page.directory.askMembers('all');
  assert.deepEqual(page.requests, ['api/rooms/general', 'api/rooms/general?cursor=A', 'api/rooms/general?cursor=B&limit=1000']);
  assert.equal(page.room().members.length, 251);
  for (const from of ['next', 'all', 'first']) await page.directory.askMembers(from);
  assert.equal(page.requests.length, 3, 'the end is the end');
  page.client.clock.advance(15_000);
  page.client.socket().say({ type: 'count', room_id: 'general', client_count: 252 });
  page.answers = [listing(0, 100, 'A')];
  await page.directory.askMembers('first');
  assert.equal(page.requests.length, 4);
});

test('a small room is asked about once if its list is not whole, and not at all if it is', async () => {
  const page = await inLargeRoom();
  page.client.socket().say({ type: 'count', room_id: 'general', client_count: 2 });
  page.answers = [listing(0, 2)];
  for (let time = 0; time < 3; time += 1) await page.directory.askMembers('first');
  assert.deepEqual([page.requests.length, page.room().isWhole, page.room().members.length], [1, true, 2]);
  page.client.clock.advance(60_000);
  await page.directory.askMembers('first');
  assert.equal(page.requests.length, 1);
});

test('many pages that miss somebody at the same moment do not ask at the same moment', async () => {
  const page = await inLargeRoom();
  page.client.socket().say({ type: 'count', room_id: 'general', client_count: 2 });
  page.answers = [listing(0, 2)];
  for (let time = 0; time < 3; time += 1) page.directory.askMembersSoon();
  assert.equal(page.requests.length, 0);
  page.client.clock.advance(3_000);
  await settled();
  assert.deepEqual([page.requests.length, page.room().isWhole], [1, true]);
});

test('a server that does not answer for the list is left alone for a while', async () => {
  const page = await inLargeRoom();
  page.status = 503;
  for (const from of ['next', 'first', 'all']) await page.directory.askMembers(from);
  assert.equal(page.requests.length, 1);
  page.status = 200;
  page.client.clock.advance(15_000);
  page.answers = [listing(0, 100, 'A')];
  await page.directory.askMembers('all');
  assert.equal(page.requests.length, 2);
});
