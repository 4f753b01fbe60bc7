import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as line from '../../public/js/state/timeline/timeline.js';
import { withJoined } from '../../public/js/state/timeline/joined.js';
import { joined, message, messages } from './fakes.js';

const shown = ({ entries }) => entries.map((entry) => entry.seq ?? `${entry.kind} ${entry.from}-${entry.to}`);
const kinds = ({ entries }) => entries.map(({ kind }) => kind);
const opened = (seq = 0, list = []) => withJoined(line.emptyTimeline(), joined('general', { seq, messages: list }));
const told = (timeline, ...list) => list.reduce(line.withMessage, timeline);

test('the first page is shown whole, and knows whether there is more', () => {
  assert.deepEqual(shown(opened(3, messages(1, 3))), [1, 2, 3]);
  assert.equal(opened(3, messages(1, 3)).hasOlder, false);
  assert.equal(opened(9, messages(5, 9)).hasOlder, true);
});

test('order is by seq, never by arrival or clock', () => {
  const acked = line.withAcked(opened(3, messages(1, 3)), { ...message(5), epoch: 'e1' }, 'n');
  const late = message(4, { timestamp: '2020-01-01T00:00:00Z' });
  assert.deepEqual(shown(told(acked, late)), [1, 2, 3, 4, 5]);
});

test('a repeated message is shown once', () => {
  const timeline = told(opened(), message(1), message(2), message(2), message(1));
  assert.deepEqual(shown(timeline), [1, 2]);
  assert.equal(timeline.head, 2);
});

test('an ack before the echo does not move the head past missing messages', () => {
  const acked = line.withAcked(opened(3, messages(1, 3)), { ...message(5), epoch: 'e1' }, 'n');
  assert.equal(acked.head, 3);
  assert.equal(told(acked, message(4), message(5)).head, 5);
});

test('the row of an ack keeps the key of its pending row, in both orders', () => {
  const ackFirst = told(line.withAcked(opened(), { ...message(1), epoch: 'e1' }, 'nonce'), message(1));
  const echoFirst = line.withAcked(told(opened(), message(1)), { ...message(1), epoch: 'e1' }, 'nonce');
  for (const timeline of [ackFirst, echoFirst]) {
    assert.deepEqual(timeline.entries.map(({ key, seq }) => ({ key, seq })), [{ key: 'nonce', seq: 1 }]);
  }
});

test('a wrongly guessed key is given back: no two rows share one', () => {
  const guessed = line.withKey(told(opened(), message(1), message(2)), 'm1', 'nonce');
  const settled = line.withAcked(guessed, { ...message(2), epoch: 'e1' }, 'nonce');
  assert.deepEqual(settled.entries.map(({ key }) => key), ['m1', 'nonce']);
});

test('an ack of another epoch or from above the first row adds nothing', () => {
  const timeline = opened(60, messages(51, 60));
  assert.equal(line.withAcked(timeline, { ...message(61), epoch: 'e0' }, 'n').entries.length, 10);
  assert.equal(line.withAcked(timeline, { ...message(7), epoch: 'e1' }, 'n').entries.length, 10);
});

test('missed messages are put where they belong', () => {
  const back = withJoined(opened(3, messages(1, 3)), joined('general', { seq: 5, recovered: true, messages: messages(4, 5) }));
  assert.deepEqual(shown(back), [1, 2, 3, 4, 5]);
});

test('a recovery into a new epoch is quiet, since nothing was lost', () => {
  const frame = joined('general', { seq: 4, epoch: 'e2', recovered: true, messages: [message(4)] });
  const back = withJoined(opened(3, messages(1, 3)), frame);
  assert.deepEqual(kinds(back), ['message', 'message', 'message', 'message']);
  assert.equal(back.epoch, 'e2');
});

test('an overlapping newest page needs no gap', () => {
  const back = withJoined(opened(3, messages(1, 3)), joined('general', { seq: 6, messages: messages(2, 6) }));
  assert.deepEqual(shown(back), [1, 2, 3, 4, 5, 6]);
});

test('a newest page beyond a hole says how many were skipped', () => {
  const back = withJoined(opened(3, messages(1, 3)), joined('general', { seq: 12, messages: messages(10, 12) }));
  assert.deepEqual(shown(back), ['gap 4-9', 10, 11, 12]);
  assert.equal(back.hasOlder, true);
});

test('a reader far up keeps the place when a hole is found', () => {
  const reading = line.withFollowing(opened(3, messages(1, 3)), false);
  const back = withJoined(reading, joined('general', { seq: 12, messages: messages(10, 12) }));
  assert.deepEqual(shown(back), [1, 2, 3]);
  assert.deepEqual([back.hasNewer, back.head], [true, 12]);
});

test('a live gap is shown as a row, and the head moves past it', () => {
  const timeline = told(line.withGap(told(opened(), message(1)), { from: 2, to: 8 }), message(9));
  assert.deepEqual(shown(timeline), [1, 'gap 2-8', 9]);
  assert.equal(timeline.head, 9);
});

test('an unannounced gap is shown as well', () => {
  assert.deepEqual(shown(told(opened(), message(1), message(4))), [1, 'gap 2-3', 4]);
});

test('a reset is shown as a row, and numbering continues from its seq', () => {
  const timeline = told(line.withReset(opened(3, messages(1, 3)), { epoch: 'e2', seq: 0 }), message(1, { id: 'x1' }), message(2, { id: 'x2' }));
  assert.deepEqual(timeline.entries.map(({ id, kind }) => id ?? kind), ['m1', 'm2', 'm3', 'reset', 'x1', 'x2']);
  assert.deepEqual([timeline.epoch, timeline.head], ['e2', 2]);
});

test('resets without a message between them are one row', () => {
  const timeline = line.withReset(line.withReset(opened(1, messages(1, 1)), { epoch: 'e2', seq: 0 }), { epoch: 'e3', seq: 0 });
  assert.deepEqual(kinds(timeline), ['message', 'reset']);
  assert.equal(timeline.epoch, 'e3');
});

test('a join with a new epoch shows new messages below a reset', () => {
  const page = [message(2), message(3, { id: 'x3' }), message(4, { id: 'x4' })];
  const back = withJoined(opened(3, messages(1, 3)), joined('general', { epoch: 'e2', seq: 4, messages: page }));
  assert.deepEqual(back.entries.map(({ id, kind }) => id ?? kind), ['m1', 'm2', 'm3', 'reset', 'x3', 'x4']);
  assert.deepEqual([back.epoch, back.head], ['e2', 4]);
});

test('ten thousand messages leave a bounded number of rows', () => {
  const timeline = told(opened(), ...messages(1, 10_000));
  assert.ok(timeline.entries.length > line.MAX_ENTRIES - 51 && timeline.entries.length <= line.MAX_ENTRIES, `${timeline.entries.length}`);
  assert.deepEqual([timeline.entries.at(-1).seq, timeline.hasOlder], [10_000, true]);
});

test('the first rows go fifty at a time, since all others move each time', () => {
  const lengths = messages(1, 400).map((_, at, all) => told(opened(), ...all.slice(0, at + 1)).entries.length);
  const shorter = lengths.filter((length, at) => length < lengths[at - 1]);
  assert.deepEqual(shorter, [line.MAX_ENTRIES - 50, line.MAX_ENTRIES - 50]);
});

test('a timeline with fewer rows can ask for the others again', () => {
  const timeline = told(opened(), ...messages(1, 151));
  assert.deepEqual(shown(line.withFewer(timeline, 100)).slice(0, 2), [52, 53]);
  assert.equal(line.withFewer(timeline, 100).hasOlder, true);
  assert.equal(line.withFewer(timeline, 101), timeline);
  const reading = line.withFollowing(timeline, false);
  assert.equal(line.withFewer(reading, 100), reading, 'its reader is somewhere above');
});

test('no rows are removed while the reader is far up: new ones are only counted', () => {
  const full = told(opened(), ...messages(1, 300));
  const reading = told(line.withFollowing(full, false), ...messages(301, 320));
  assert.equal(reading.entries[0].seq, 1);
  assert.deepEqual([reading.hasNewer, reading.below, reading.head], [true, 20, 320]);
});

test('a gap or a notice removes no row either while the reader is far up', () => {
  const reading = line.withFollowing(told(opened(), ...messages(1, 300)), false);
  assert.equal(line.withGap(reading, { from: 301, to: 302 }).entries[0].seq, 1);
  assert.equal(line.withNotice(reading, notice('join', 'a')).entries[0].seq, 1);
});

test('scrolling to the bottom resets the count', () => {
  const away = told(line.withFollowing(opened(), false), message(1));
  assert.equal(away.below, 1);
  assert.equal(line.withFollowing(away, true).below, 0);
});

const notice = (type, user_id, id = `${type}-${user_id}`) => ({ id, type, user_id, username: user_id });

test('neighbouring notices are one row, and a message ends it', () => {
  const both = line.withNotice(line.withNotice(opened(), notice('join', 'a')), notice('leave', 'b'));
  const after = line.withNotice(told(both, message(1)), notice('join', 'c'));
  assert.deepEqual(kinds(after), ['presence', 'message', 'presence']);
  assert.deepEqual([both.entries[0].joined.length, both.entries[0].left.length], [1, 1]);
});

test('a user who leaves and comes back leaves no row', () => {
  const back = line.withNotice(line.withNotice(opened(), notice('leave', 'a')), notice('join', 'a'));
  assert.deepEqual(back.entries, []);
});
