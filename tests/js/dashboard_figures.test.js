// The figures of the dashboard: what is kept, and how it becomes lines.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIGURES, valueOf } from '../../public/js/dashboard/figures.js';
import { EMPTY, WINDOW_MS, allNodes, changesOfNodes, livingNodes, newest, parseFrame, withFrame } from '../../public/js/dashboard/ring.js';
import { axisEnd, columns, linePath, minutesOf } from '../../public/js/dashboard/series.js';
import { COLOURS, createSlots } from '../../public/js/dashboard/slots.js';

const START = Date.parse('2026-11-20T08:00:00.000Z');

function frame(second, nodes, figures = {}) {
  const of = { messages_s: second, ...figures };
  const list = nodes.map((node_id) => ({ node_id, ...of }));
  return parseFrame(JSON.stringify({ type: 'stats', timestamp: new Date(START + second * 1000).toISOString(), cluster: of, nodes: list }));
}

const ringOf = (frames) => frames.reduce(withFrame, EMPTY);
const seconds = (from, to) => Array.from({ length: to - from }, (_, place) => from + place);

test('a frame that is none is passed over', () => {
  for (const text of ['', '{', 'null', '[]', '{"type":"error"}', '{"type":"stats","nodes":[]}', '{"type":"stats","timestamp":"x","nodes":[]}', '{"type":"stats","timestamp":"2026-11-20T08:00:00.000Z"}']) {
    assert.equal(parseFrame(text), null, text);
  }
  assert.deepEqual([...frame(1, ['a']).nodes.keys()], ['a']);
});

test('fifteen minutes are kept, however long the page is open', () => {
  const ring = ringOf(seconds(0, 3_000).map((second) => frame(second, ['a'])));
  assert.equal(ring.frames.length, WINDOW_MS / 1000);
  assert.equal(newest(ring).at, START + 2_999_000);
  const crowded = ringOf(seconds(0, 2_000).map((place) => frame(place / 10, ['a'])));
  assert.equal(crowded.frames.length, 1_000);
});

test('a history that comes again adds nothing', () => {
  const frames = seconds(0, 10).map((second) => frame(second, ['a']));
  const ring = ringOf(frames);
  assert.deepEqual(frames.reduce(withFrame, ring), ring);
  assert.equal(withFrame(ring, frame(10, ['a'])).frames.length, 11);
});

test('nodes that have gone are shown with what they did, and are not there any more', () => {
  const ring = ringOf([frame(1, ['b', 'a']), frame(2, ['a', 'c'])]);
  assert.deepEqual(livingNodes(ring), ['a', 'c']);
  assert.deepEqual(allNodes(ring), ['a', 'b', 'c']);
  assert.deepEqual(changesOfNodes(ringOf([frame(1, ['b', 'a'])]), ring), { came: ['c'], went: ['b'] });
  assert.deepEqual(changesOfNodes(EMPTY, ring), { came: [], went: [] });
});

test('a column has the greatest value of its time, the newest is the last', () => {
  const ring = ringOf(seconds(0, 6).map((second) => frame(second, ['a'])));
  const values = columns(ring, ({ nodes }) => valueOf((figures) => figures.messages_s, nodes.get('a')));
  assert.equal(values.length, 20, 'a minute of three seconds each');
  assert.deepEqual(values.slice(-3), [null, 2, 5]);
  assert.deepEqual(columns(ring, ({ nodes }) => valueOf((figures) => figures.messages_s, nodes.get('b'))).filter((it) => it !== null), []);
  assert.deepEqual(columns(EMPTY, () => 1), new Array(20).fill(null));
});

test('a chart shows as many minutes as are known, at most 15', () => {
  for (const [known, minutes] of [[0, 1], [59, 1], [60, 2], [200, 5], [301, 15], [899, 15]]) {
    assert.equal(minutesOf(ringOf(seconds(0, known + 1).map((second) => frame(second, ['a'])))), minutes, known);
  }
  assert.equal(minutesOf(EMPTY), 1);
});

test('a line has gaps where nothing is known', () => {
  assert.equal(linePath([0, 1, 2], 2, 10), 'M0 10h0.01L1 5L2 0');
  assert.equal(linePath([1, null, 1], 2, 10), 'M0 5h0.01L2 5');
  assert.equal(linePath([1, null, null, 1], 2, 10), 'M0 5h0.01M3 5h0.01');
  assert.equal(linePath([null, null], 2, 10), '');
  assert.equal(linePath([9], 2, 10), 'M0 0h0.01', 'nothing is drawn outside');
});

test('an axis ends with a round number that covers all', () => {
  const ends = [[0, 1], [-1, 1], [0.03, 0.05], [1, 1], [1.1, 2], [3, 5], [50, 50], [51, 100], [999, 1000], [NaN, 1]];
  for (const [greatest, end] of ends) assert.ok(Math.abs(axisEnd(greatest) - end) < 1e-9, `${greatest}: ${axisEnd(greatest)}`);
});

test('a node keeps its colour until it is no longer shown', () => {
  const assign = createSlots();
  const first = new Map(assign(['a', 'b', 'c']));
  assert.deepEqual([...first.values()], [0, 1, 2]);
  assert.equal(assign(['b', 'c', 'd']).get('b'), 1);
  assert.equal(assign(['b', 'c', 'd']).get('d'), 0);
  const many = assign(seconds(0, 30).map(String));
  assert.ok([...many.values()].every((slot) => slot >= 0 && slot < COLOURS));
});

test('every figure is read from a frame, and one that is missing is none', () => {
  const figures = { cpu: 1, memory_bytes: 2, requests_s: 3, errors_s: 4, sessions: 5, rooms: 6, messages_s: 7, deliveries_s: 8, slow_closed_s: 9, delivery_ms: { p50: 10, p99: 11 }, redis_ms: { p50: 12, p99: 13 } };
  for (const { key, read, middle } of FIGURES) {
    assert.ok(valueOf(read, figures) > 0, key);
    if (middle) assert.ok(valueOf(middle, figures) < valueOf(read, figures), key);
    assert.equal(valueOf(read, {}), null, key);
    assert.equal(valueOf(read, undefined), null, key);
  }
  assert.equal(valueOf((it) => it.delivery_ms?.p99, { delivery_ms: { p50: null, p99: null } }), null);
});
