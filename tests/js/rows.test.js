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

const keysOf = (list) => list.map(({ key }) => key).join(' ');
const messages = (...keys) => keys.map((key) => ({ kind: 'message', key: String(key), seq: Number(key), isOwn: false }));
const numbered = (from, to) => messages(...Array.from({ length: to - from + 1 }, (_, at) => from + at));
const AT_THE_END = { isFollowing: true };
const ABOVE = { isFollowing: false };

/** The rows of each drawing, until all are drawn. */
function drawings(list, drawn, reader, most) {
  const shown = [];
  for (let rows = drawn; rows !== list; shown.push(rows)) rows = rowsDrawn(list, rows, reader, most);
  return shown;
}

/** How many rows each of them adds. */
function portions(list, drawn, reader, most) {
  const sizes = drawings(list, drawn, reader, most).map(({ length }) => length);
  return sizes.map((size, at) => size - (sizes[at - 1] ?? drawn.length));
}

test('a reader at the end gets many new rows in portions, in their order, and their own at once', () => {
  const mine = { kind: 'message', key: 'mine', isOwn: true };
  const list = [...messages('b', 'c'), { kind: 'new', key: 'new' }, ...messages('d', 'e'), mine];
  const first = rowsDrawn(list, messages('a', 'b'), AT_THE_END, 2);
  assert.equal(keysOf(first), 'b c new mine');
  assert.equal(rowsDrawn(list, first, AT_THE_END, 2), list, 'nothing is held back');
});

test('a reader far behind gets the newest rows first, and the others after them', () => {
  const shown = drawings(numbered(0, 9), numbered(0, 0), AT_THE_END, 2).map(keysOf);
  assert.deepEqual(shown, ['0 8 9', '0 6 7 8 9', '0 1 2 6 7 8 9', '0 1 2 3 4 6 7 8 9', '0 1 2 3 4 5 6 7 8 9']);
});

test('a room is opened with its last rows, and the others come above them in portions', () => {
  const list = numbered(1, 50);
  assert.deepEqual(portions(list, [], AT_THE_END), [8, 8, 8, 8, 8, 8, 2]);
  assert.equal(drawings(list, messages('a', 'of another room'), AT_THE_END)[0].length, 8);
  const [first, second] = drawings(list, [], AT_THE_END);
  assert.deepEqual([keysOf(first), keysOf(second)], [keysOf(numbered(43, 50)), keysOf(numbered(35, 50))]);
  assert.deepEqual(portions(numbered(1, 8), [], AT_THE_END), [8]);
});

test('a room with new messages is opened where they begin, and goes on below before it does above', () => {
  const list = [...numbered(1, 20), { kind: 'new', key: 'new' }, ...numbered(21, 45)];
  const shown = drawings(list, [], ABOVE);
  assert.equal(keysOf(shown[0]), `new ${keysOf(numbered(21, 27))}`);
  assert.equal(keysOf(shown[1]), `new ${keysOf(numbered(21, 35))}`);
  assert.equal(keysOf(shown[3]), `${keysOf(numbered(15, 20))} new ${keysOf(numbered(21, 45))}`);
});

test('a page that a link leads to is drawn around its message first', () => {
  const [first] = drawings(numbered(1, 50), messages('a'), { ...ABOVE, seq: 20 });
  assert.equal(keysOf(first), keysOf(numbered(16, 23)));
});

test('a page of older messages comes in portions, the nearest first, one\'s own as well', () => {
  const list = numbered(1, 100).map((row) => ({ ...row, isOwn: true }));
  assert.deepEqual(portions(list, list.slice(50), ABOVE), [8, 8, 8, 8, 8, 8, 2]);
  const [first] = drawings(list, list.slice(50), ABOVE);
  assert.equal(keysOf(first), keysOf(numbered(43, 100)));
});

test('a page of newer messages comes in their order', () => {
  const [first] = drawings(numbered(1, 100), numbered(1, 50), ABOVE);
  assert.equal(keysOf(first), keysOf(numbered(1, 58)));
});
