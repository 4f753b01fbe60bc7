// A room's messages as a file for those who keep them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRoomExport } from '../../public/js/app/rooms/room_export.js';
import { transcript } from '../../public/js/state/finding/transcript.js';
import { message, messages } from './fakes.js';

const words = { moment: (at) => new Date(at).toISOString().slice(11, 16), deleted: 'gone' };
const timers = { setTimeout: (callback) => void setImmediate(callback) };

test('all pages are read, the oldest message first', async () => {
  const pages = [{ data: messages(5, 6), next: 5 }, { data: messages(3, 4), next: 3 }, { data: messages(1, 2) }];
  const asked = [];
  const api = { async listMessages(room, { before }, token) {
    asked.push([room, before, token]);
    return pages.shift();
  } };
  const told = [];
  const all = await createRoomExport({ api, timers, tokenFor: () => 'T' })('!x', (count) => told.push(count));
  assert.deepEqual(all.map(({ seq }) => seq), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual([asked, told], [[['!x', undefined, 'T'], ['!x', 5, 'T'], ['!x', 3, 'T']], [2, 4, 6]]);
});

test('a page that can not be read fails the whole, rather than leaving messages out', async () => {
  const api = { listMessages: async () => { throw new Error('no network'); } };
  await assert.rejects(createRoomExport({ api, timers, tokenFor: () => null })('!x', () => {}));
});

test('a transcript has a line a message, its quotation and files below', () => {
  const list = [message(1, { content: 'এক\nদুই' }), message(2, { deleted: true, content: '' }),
    message(3, { content: '', files: [{ name: 'a.png' }] }), message(4, { content: 'হ্যাঁ', reply_to: { seq: 1, username: 'করিম', content: 'এক\nদুই' } })];
  assert.equal(transcript(list, words), ['08:00 · করিম: এক\n  দুই', '08:00 · করিম: (gone)', '08:00 · করিম: [a.png]', '08:00 · করিম: > করিম: এক দুই\n  হ্যাঁ'].join('\n'));
});
