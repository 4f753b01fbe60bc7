// The REST side of the page: addresses, failures and the time that a request has.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal, createApi } from '../../public/js/net/api.js';

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
  const { fetch } = fakeFetch({ ok: false, status: 503, json: async () => { throw new SyntaxError('no JSON'); } });
  await assert.rejects(createApi({ fetch }).listRooms(), /503/);
});

test('a refusal has the code and the words of the server', async () => {
  const answer = { ok: false, status: 429, json: async () => ({ error: '…', code: 'too_fast', retry_after_ms: 900 }) };
  const { asked, fetch } = fakeFetch(answer);
  const refusal = await createApi({ fetch }).logIn({ username: 'রহিম', password: 'গোপন' }).catch((error) => error);
  assert.ok(refusal instanceof Refusal);
  assert.deepEqual([refusal.status, refusal.code, refusal.details.retry_after_ms], [429, 'too_fast', 900]);
  assert.doesNotMatch(refusal.message, /গোপন/, 'no password in an error');
  assert.deepEqual([asked[0].method, asked[0].path, JSON.parse(asked[0].body)], ['POST', 'api/login', { username: 'রহিম', password: 'গোপন' }]);
});

test('the time to wait may stand in a header alone, as a proxy writes it', async () => {
  const { fetch } = fakeFetch({ ok: false, status: 429, headers: new Headers({ 'retry-after': '3' }), json: async () => null });
  const refusal = await createApi({ fetch }).getMe().catch((error) => error);
  assert.deepEqual([refusal.code, refusal.details.retry_after_ms], [null, 3_000]);
});

test('a token is told in a header, and an answer may be empty', async () => {
  const { asked, fetch } = fakeFetch({ ok: true, status: 204 });
  const api = createApi({ fetch });
  assert.equal(await api.keepSession('secret'), null);
  await api.endSession();
  assert.deepEqual(asked.map(({ method, path, headers }) => [method, path, headers.authorization]),
    [['POST', 'api/session', 'Bearer secret'], ['DELETE', 'api/session', undefined]]);
});
