import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newItem } from '../../public/js/state/outbox/items.js';
import { rowsOf } from '../../public/js/state/timeline/rows.js';
import { rowsDrawn } from '../../public/js/state/timeline/rows_drawn.js';
import { emptyTimeline, withGap, withMessage } from '../../public/js/state/timeline/timeline.js';
import { message } from './fakes.js';

const dayOf = (at) => new Date(at).toISOString().slice(0, 10);
const me = { userId: 'me', username: 'আমি', userIds: ['me', 'me-before'] };
const at = (seq, timestamp, fields) => message(seq, { timestamp, ...fields });

function rows(list, { pending = [], dividerSeq = null, timeline = { ...emptyTimeline(), epoch: 'e1' } } = {}) {
  return rowsOf({ timeline: list.reduce(withMessage, timeline), dividerSeq }, pending, me, dayOf);
}
const sketch = (list) => list.map((row) => (row.kind === 'message' ? `${row.isContinued ? '+' : ''}${row.seq}` : row.kind));

test('the same person within five minutes goes on in the group', () => {
  assert.deepEqual(sketch(rows([
    at(1, '2026-11-20T08:00:00Z'), at(2, '2026-11-20T08:04:59Z'), at(3, '2026-11-20T08:10:00Z'),
    at(4, '2026-11-20T08:10:01Z', { user_id: 'u3' }), at(5, '2026-11-20T08:10:02Z'),
  ])), ['day', '1', '+2', '3', '4', '5']);
});

test('a new day gets its divider and ends the group', () => {
  assert.deepEqual(sketch(rows([at(1, '2026-11-20T23:59:00Z'), at(2, '2026-11-21T00:01:00Z')])), ['day', '1', 'day', '2']);
});

test('any other row ends the group', () => {
  const gap = withGap(withMessage({ ...emptyTimeline(), epoch: 'e1' }, at(1, '2026-11-20T08:00:00Z')), { from: 2, to: 2 });
  assert.deepEqual(sketch(rows([at(3, '2026-11-20T08:00:10Z')], { timeline: gap })), ['day', '1', 'gap', '3']);
});

test('the "new" divider stands before the first unread message, once, and ends the group', () => {
  const list = [1, 2, 3].map((seq) => at(seq, '2026-11-20T08:00:00Z'));
  assert.deepEqual(sketch(rows(list, { dividerSeq: 1 })), ['day', '1', 'new', '2', '+3']);
  assert.deepEqual(sketch(rows(list, { dividerSeq: 3 })), ['day', '1', '+2', '+3']);
});

test('own messages are known by the user, not by the name', () => {
  const [, own, other] = rows([at(1, '2026-11-20T08:00:00Z', { user_id: 'me' }), at(2, '2026-11-20T08:00:00Z', { username: 'আমি' })]);
  assert.deepEqual([own.isOwn, other.isOwn], [true, false]);
});

test('a message of ours from before the server forgot us is still ours', () => {
  assert.equal(rows([at(1, '2026-11-20T08:00:00Z', { user_id: 'me-before' })]).at(-1).isOwn, true);
});

test('pending messages come last, as own ones, and group with sent ones', () => {
  const pending = [newItem({ nonce: 'n1', room: 'general', content: 'ক', now: Date.parse('2026-11-20T08:01:00Z') })];
  const last = rows([at(1, '2026-11-20T08:00:00Z', { user_id: 'me', username: 'আমি' })], { pending }).at(-1);
  assert.deepEqual([last.key, last.delivery, last.isOwn, last.isContinued], ['n1', 'queued', true, true]);
});

test('clocks that disagree around midnight do not make two rows of one key', () => {
  const list = rows([at(1, '2026-11-20T23:59:59Z'), at(2, '2026-11-21T00:00:01Z'), at(3, '2026-11-20T23:59:59Z')]);
  assert.equal(new Set(list.map(({ key }) => key)).size, list.length);
});

test('a reader at the end gets many new rows in portions, in their order, and their own at once', () => {
  const row = (key, fields) => ({ kind: 'message', key, isOwn: false, ...fields });
  const keys = (list) => list.map(({ key }) => key).join(' ');
  const drawn = [row('a'), row('b')];
  const list = [row('b'), row('c'), { kind: 'new', key: 'new' }, row('d'), row('e'), row('mine', { isOwn: true })];
  const first = rowsDrawn(list, drawn, 2);
  assert.equal(keys(first), 'b c new mine');
  assert.equal(keys(rowsDrawn(list, first, 2)), keys(list));
  assert.equal(rowsDrawn(list, first, 2), list, 'nothing is held back');
});

test('a reader far behind gets the newest rows first, and the others after them', () => {
  const list = Array.from({ length: 10 }, (_, at) => ({ kind: 'message', key: String(at), isOwn: false }));
  const keys = (rows) => rows.map(({ key }) => key).join('');
  const first = rowsDrawn(list, list.slice(0, 1), 2);
  assert.equal(keys(first), '089');
  const second = rowsDrawn(list, first, 2);
  assert.equal(keys(second), '06789');
  const third = rowsDrawn(list, second, 2);
  assert.equal(keys(third), '0126789');
  assert.equal(rowsDrawn(list, rowsDrawn(list, third, 2), 2), list);
});

test('a room or a page that was not on screen is drawn at once', () => {
  const list = ['x', 'y', 'z'].map((key) => ({ kind: 'message', key, isOwn: false }));
  assert.equal(rowsDrawn(list, [], 1), list);
  assert.equal(rowsDrawn(list, [{ kind: 'message', key: 'a' }], 1), list);
});
