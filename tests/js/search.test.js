// The search for messages: pages of results, empty ones too, and the words around a find.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSearch } from '../../public/js/app/messages/search.js';
import { excerptOf } from '../../public/js/state/finding/search.js';
import { initial, reduce } from '../../public/js/state/chat.js';
import { createStore } from '../../public/js/state/store.js';
import { message, settled } from './fakes.js';

function searching(answers) {
  const store = createStore(initial, reduce);
  const asked = [];
  const answer = (kind) => async (...given) => {
    asked.push([kind, ...given]);
    const next = answers.shift();
    if (next instanceof Error) throw next;
    return next;
  };
  const api = { searchRoom: answer('room'), searchAll: answer('all') };
  const say = (frame) => store.dispatch({ type: 'frame', frame, now: 0, at: 0 });
  return { search: createSearch({ store, api, tokenFor: (room) => `token of ${room}` }), asked, say, state: () => store.state.search };
}

const seqs = ({ results }) => results.map(({ seq }) => seq);

test('a search goes on by itself while pages are empty, and stops at the first that is not', async () => {
  const { search, asked, state } = searching([{ data: [], next: 'x' }, { data: [], next: 'y' }, { data: [message(7)], next: 'z' }]);
  await search.begin('চা', 'general');
  assert.deepEqual([seqs(state()), state().next, state().isLoading], [[7], 'z', false]);
  assert.deepEqual(asked.map(([, , { before }]) => before), [null, 'x', 'y']);
  assert.deepEqual(asked[0], ['room', 'general', { q: 'চা', before: null, limit: 30 }, 'token of general']);
});

test('after several empty pages the reader decides', async () => {
  const empty = Array.from({ length: 6 }, (_, at) => ({ data: [], next: `n${at}` }));
  const { search, asked, state } = searching([...empty, { data: [message(1)] }]);
  await search.begin('x', null);
  assert.deepEqual([asked.length, state().next, state().isDone, asked[0][0]], [5, 'n4', true, 'all']);
  await search.more();
  assert.deepEqual([seqs(state()), state().next], [[1], null]);
  assert.equal(await search.more(), undefined, 'that was all');
});

test('more results come below those that are there, each once', async () => {
  const { search, state } = searching([{ data: [message(9), message(8)], next: '8' }, { data: [message(8), message(3)] }]);
  await search.begin('x', 'general');
  await search.more();
  assert.deepEqual(seqs(state()), [9, 8, 3]);
});

test('a message that is deleted or edited is so in what was found, too', async () => {
  const { search, say, state } = searching([{ data: [message(9), message(8), message(9, { id: 'x9', room_id: 'চা' })] }]);
  await search.begin('x', null);
  say({ type: 'delete', room_id: 'general', ref: 9, seq: 10 });
  say({ type: 'edit', room_id: 'general', ref: 8, seq: 11, content: 'নতুন' });
  assert.deepEqual(state().results.map(({ room_id: room, content }) => `${room} ${content}`), ['general নতুন', 'চা বার্তা 9']);
});

test('the answer to an earlier search is not shown', async () => {
  let answer;
  const slow = new Promise((resolve) => { answer = resolve; });
  const { search, state } = searching([slow, { data: [message(2)] }]);
  const first = search.begin('a', 'general');
  await search.begin('b', 'general');
  answer({ data: [message(1)] });
  await first;
  await settled();
  assert.deepEqual([state().text, seqs(state())], ['b', [2]]);
});

test('a server without a search is told apart from one that does not answer', async () => {
  const { search, state } = searching([Object.assign(new Error('x'), { status: 404, code: 'not_found' }), new Error('no network')]);
  await search.begin('a', 'general');
  assert.equal(state().problem.key, 'search_missing');
  await search.begin('a', 'general');
  assert.equal(state().problem.key, 'order_unreached');
});

test('an excerpt has the sought words in their own letters, also through joiners and cases', () => {
  const marked = (content, sought) => excerptOf(content, sought).map(({ text, isFound }) => (isFound ? `[${text}]` : text)).join('');
  assert.equal(marked('Where is the TEA, please?', 'tea'), 'Where is the [TEA], please?');
  assert.equal(marked('র\u200d্যাব এসেছে', 'র্যাব'), '[র\u200d্যাব] এসেছে');
  assert.equal(marked('nothing', 'tea'), 'nothing');
  assert.equal(marked(`${'ক'.repeat(200)} চা ${'খ'.repeat(400)}`, 'চা').length < 260, true);
  assert.equal(marked('😀'.repeat(60) + 'tea', 'tea').includes('\ufffd'), false);
});
