import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as line from '../../public/js/state/timeline/timeline.js';
import { withJoined } from '../../public/js/state/timeline/joined.js';
import * as pages from '../../public/js/state/timeline/pages.js';
import { joined, message, messages } from './fakes.js';

const shown = ({ entries }) => entries.map((entry) => entry.seq ?? `${entry.kind} ${entry.from}-${entry.to}`);
const opened = (from, to) => withJoined(line.emptyTimeline(), joined('general', { seq: to, messages: messages(from, to) }));
const page = (from, to, next) => ({ data: messages(from, to), epoch: 'e1', next });

test('older pages go above, until there are none', () => {
  const timeline = pages.withOlderPage(opened(7, 9), page(4, 6, 'more'));
  assert.deepEqual(shown(timeline), [4, 5, 6, 7, 8, 9]);
  assert.equal(pages.olderCursor(timeline), 4);
  const whole = pages.withOlderPage(timeline, page(1, 3));
  assert.equal(pages.olderCursor(whole), null);
});

test('a page that overlaps shows nothing twice', () => {
  assert.deepEqual(shown(pages.withOlderPage(opened(7, 9), page(5, 8, 'more'))), [5, 6, 7, 8, 9]);
});

test('an older page closes a gap as far as it fills it', () => {
  const back = withJoined(opened(1, 3), joined('general', { seq: 12, messages: messages(10, 12) }));
  const half = pages.withOlderPage(back, page(7, 9, 'more'));
  assert.deepEqual(shown(half), ['gap 4-6', 7, 8, 9, 10, 11, 12]);
  assert.deepEqual(shown(pages.withOlderPage(half, page(2, 6, 'more'))), [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
});

test('messages that the log no longer has stay a gap', () => {
  const back = withJoined(opened(1, 3), joined('general', { seq: 12, messages: messages(10, 12) }));
  const rest = pages.withOlderPage(back, page(8, 9));
  assert.deepEqual(shown(rest), ['gap 4-7', 8, 9, 10, 11, 12]);
  assert.equal(rest.hasOlder, false);
});

test('after a reset with lower numbers, older pages are requested below its base', () => {
  const timeline = { ...opened(50, 52), hasOlder: true };
  assert.equal(pages.olderCursor(line.withReset(timeline, { epoch: 'e2', seq: 20 })), 21);
  assert.equal(pages.olderCursor(line.withReset(timeline, { epoch: 'e2', seq: 0 })), null);
  assert.equal(pages.olderCursor(line.withReset(timeline, { epoch: 'e2', seq: 52 })), 50);
});

test('reading far up trims the far end and remembers that there is newer', () => {
  const full = messages(302, 600).reduce(line.withMessage, opened(301, 301));
  const up = pages.withOlderPage(line.withFollowing(full, false), page(251, 300, 'more'));
  assert.equal(up.entries.length, line.MAX_ENTRIES);
  assert.deepEqual([up.entries[0].seq, up.entries.at(-1).seq, up.hasNewer], [251, 550, true]);
});

test('newer pages lead back down, across messages that were only counted', () => {
  const full = messages(302, 600).reduce(line.withMessage, opened(301, 301));
  const up = line.withMessage(pages.withOlderPage(line.withFollowing(full, false), page(251, 300, 'more')), message(601));
  assert.equal(pages.newerCursor(up), 549);
  const down = pages.withNewerPage(up, page(551, 600, 'more'));
  assert.deepEqual([down.entries.at(-1).seq, down.hasNewer], [600, true]);
  const end = pages.withNewerPage(down, page(601, 601));
  assert.deepEqual([end.entries.at(-1).seq, end.hasNewer, end.entries.length], [601, false, line.MAX_ENTRIES]);
});

test('a newer page that starts too late shows the gap', () => {
  const behind = { ...opened(1, 3), hasNewer: true, head: 9, latest: 9 };
  assert.deepEqual(shown(pages.withNewerPage(behind, page(7, 9))), [1, 2, 3, 'gap 4-6', 7, 8, 9]);
});

test('an empty newer page becomes a gap instead of repeated requests', () => {
  const behind = { ...opened(1, 3), hasNewer: true, head: 5, latest: 5 };
  const end = pages.withNewerPage(behind, { data: [], epoch: 'e1' });
  assert.deepEqual([shown(end), end.hasNewer], [[1, 2, 3, 'gap 4-5'], false]);
});

test('the newest page replaces all rows; later messages are requested next', () => {
  const behind = { ...opened(1, 3), hasNewer: true, isFollowing: false, below: 7, head: 30, latest: 30 };
  const jumped = pages.withNewestPage(behind, page(20, 29, 'more'));
  assert.deepEqual([jumped.entries[0].seq, jumped.below, jumped.hasNewer], [20, 0, true]);
  const done = pages.withNewestPage(behind, page(21, 30, 'more'));
  assert.deepEqual([done.hasNewer, done.isFollowing], [false, true]);
});

test('after a new epoch a reader of history returns by the newest page', () => {
  const reading = { ...opened(1, 3), hasNewer: true, isFollowing: false };
  assert.equal(pages.newerCursor(line.withReset(reading, { epoch: 'e2', seq: 0 })), null);
});
