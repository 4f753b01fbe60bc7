// The REST side of the page: addresses, failures and the time that a request has.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApi } from '../../public/js/net/api.js';

function fakeFetch(answer = { ok: true, json: async () => ({ data: [] }) }) {
  const asked = [];
  const fetch = async (path, options) => {
    asked.push({ path, ...options });
    return answer;
  };
  return { asked, fetch };
}

test('addresses are relative, and names in them are encoded', async () => {
  const { asked, fetch } = fakeFetch();
  const api = createApi({ fetch });
  await api.listRooms({ limit: 200 });
  await api.getRoom('a/b?c');
  await api.listMessages('চা', { before: 7, limit: 50 });
  assert.deepEqual(asked.map(({ path }) => path),
    ['api/rooms?limit=200', 'api/rooms/a%2Fb%3Fc', `api/rooms/${encodeURIComponent('চা')}/messages?before=7&limit=50`]);
});

test('a request ends, whether or not the server answers', async () => {
  const { asked, fetch } = fakeFetch();
  await createApi({ fetch }).listRooms();
  assert.ok(asked[0].signal instanceof AbortSignal);
});

test('an answer that is none is a failure, never an empty list', async () => {
  const { fetch } = fakeFetch({ ok: false, status: 503 });
  await assert.rejects(createApi({ fetch }).listRooms(), /503/);
});
