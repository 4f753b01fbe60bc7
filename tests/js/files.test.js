// Files of the next message: sent to the server one after another, taken along when all have come.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createUploading } from '../../public/js/app/messages/uploads.js';
import { createFormat } from '../../public/js/i18n/format.js';
import { createUploads } from '../../public/js/net/upload.js';
import { attachmentsIn, kindOf, readinessOf, shownSize } from '../../public/js/state/outbox/attachments.js';
import { initial, reduce } from '../../public/js/state/chat.js';
import { createStore } from '../../public/js/state/store.js';
import { WELCOME, fakeClient, joined, settled } from './fakes.js';

const LIMITS = { file_bytes: 100 };
const file = (name, size = 10) => ({ name, type: 'image/png', size });

function uploading() {
  const store = createStore({ ...initial, limits: { ...initial.limits, ...LIMITS } }, reduce);
  const requests = [];
  let keys = 0;
  const upload = (room, it, { token, onProgress }) => {
    const request = { room, name: it.name, token, onProgress, isAborted: false };
    request.done = new Promise((resolve, reject) => Object.assign(request, { resolve, reject }));
    requests.push(request);
    return { done: request.done, abort: () => { request.isAborted = true; } };
  };
  const uploads = createUploading({ store, upload, tokenOf: () => 'T', newKey: () => `k${(keys += 1)}` });
  return { uploads, requests, states: () => attachmentsIn(store.state, 'general').map(({ state }) => state), store };
}

test('two files are on their way at once, and their records go with the message', async () => {
  const { uploads, requests, states, store } = uploading();
  uploads.add('general', [file('a'), file('b'), file('c')]);
  assert.deepEqual(requests.map(({ name }) => name), ['a', 'b']);
  requests[0].onProgress(0.5);
  assert.equal(store.state.attachments[0].sent, 0.5);
  requests[0].resolve({ id: 'f1', name: 'a' });
  await settled();
  assert.deepEqual([requests[2].name, states(), readinessOf(store.state.attachments)], ['c', ['done', 'uploading', 'uploading'], 'uploading']);
  for (const [at, request] of requests.slice(1).entries()) request.resolve({ id: `f${at + 2}` });
  await settled();
  assert.equal(readinessOf(store.state.attachments), 'done');
  assert.deepEqual(uploads.take('general').map(({ id }) => id), ['f1', 'f2', 'f3']);
  assert.deepEqual(states(), []);
});

test('a file that is too big is not sent, and one that failed is tried again', async () => {
  const { uploads, requests, states, store } = uploading();
  uploads.add('general', [file('big', 101), file('a')]);
  assert.deepEqual([requests.length, states(), store.state.attachments[0].problem.key], [1, ['failed', 'uploading'], 'file_too_big']);
  requests[0].reject(new Error('no network'));
  await settled();
  assert.equal(store.state.attachments[1].problem.key, 'file_unreached');
  uploads.retry('k1');
  uploads.retry('k2');
  assert.deepEqual([requests.length, states()], [2, ['failed', 'uploading']]);
});

test('a file that is taken away is given up, also when its answer comes all the same', async () => {
  const { uploads, requests, states } = uploading();
  uploads.add('general', [file('a')]);
  uploads.remove('k1');
  assert.equal(requests[0].isAborted, true);
  requests[0].resolve({ id: 'f1' });
  await settled();
  assert.deepEqual(states(), []);
});

test('a server that names no limit of files gets none, and a message has ten at most', () => {
  const { uploads, store } = uploading();
  uploads.add('general', Array.from({ length: 14 }, (_, at) => file(`${at}`)));
  assert.equal(store.state.attachments.length, 10);
  const old = createStore(initial, reduce);
  createUploading({ store: old, upload: assert.fail, tokenOf: () => null, newKey: () => 'k' }).add('general', [file('a')]);
  assert.deepEqual(old.state.attachments, []);
});

test('a message of files alone is sent with their ids and shown with their records', () => {
  const client = fakeClient();
  client.chat.enter('রহিম', 'general');
  client.socket().say(WELCOME);
  client.socket().say(joined('general'));
  const info = { id: 'f1', name: 'a.png', type: 'image/png', size: 3, width: 2, height: 1, url: '/api/files/f1/a.png' };
  client.chat.post('general', '', { files: [info] });
  const { nonce, ...sent } = client.socket().sentOf('text')[0];
  assert.deepEqual(sent, { type: 'text', room_id: 'general', content: '', files: ['f1'] });
  client.socket().say({ type: 'ack', nonce, id: 'm1', room_id: 'general', epoch: 'e1', seq: 1, timestamp: '2026-11-20T08:00:00.000Z', duplicate: false });
  assert.deepEqual(client.store.state.rooms.get('general').timeline.entries[0].files, [info]);
});

test('an upload is a form with one file, and tells how far it is', async () => {
  let request;
  class FakeRequest {
    upload = {};
    headers = {};
    constructor() { request = this; }
    open(method, path) { Object.assign(this, { method, path }); }
    setRequestHeader(name, value) { this.headers[name] = value; }
    send(body) { this.body = body; }
    abort() { this.onabort(); }
  }
  class FakeForm { append(...given) { this.field = given; } }
  const upload = createUploads({ XMLHttpRequest: FakeRequest, FormData: FakeForm });
  const shares = [];
  const { done } = upload('চা ঘর', file('a'), { token: 'T', onProgress: (share) => shares.push(share) });
  request.upload.onprogress({ lengthComputable: true, loaded: 1, total: 4 });
  Object.assign(request, { status: 201, responseText: '{"id":"f1"}' });
  request.onload();
  assert.deepEqual([(await done).id, shares, request.method, request.path], ['f1', [0.25], 'POST', `api/rooms/${encodeURIComponent('চা ঘর')}/files`]);
  assert.deepEqual([request.headers.authorization, request.body.field[0]], ['Bearer T', 'file']);
  const refused = upload('a', file('a'), { token: null, onProgress() {} });
  Object.assign(request, { status: 413, responseText: '<html>' });
  request.onload();
  await assert.rejects(refused.done, { status: 413 });
});

test('files are shown by their type, and pictures within their bounds', () => {
  assert.deepEqual(['image/png', 'image/svg+xml', 'audio/mpeg', 'video/mp4', 'text/html'].map((type) => kindOf({ type })), ['image', 'card', 'audio', 'video', 'card']);
  assert.deepEqual(shownSize({ width: 1000, height: 500 }, 320), { width: 320, height: 160 });
  assert.deepEqual(shownSize({ width: 10, height: 5 }, 320), { width: 10, height: 5 });
  assert.deepEqual([shownSize({ width: 0, height: 5 }, 320), shownSize({}, 320)], [null, null]);
  assert.deepEqual([512, 2_048, 10_485_760].map(createFormat('en').bytes), ['512 bytes', '2 kB', '10 MB']);
  assert.deepEqual([512, 2_048, 10_485_760].map(createFormat('bn').bytes), ['৫১২ বাইট', '২ কেবি', '১০ এমবি']);
});
