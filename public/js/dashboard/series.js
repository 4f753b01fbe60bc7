// A figure over the last minutes as columns, and columns as the path of a line. Pure.

import { newest } from './ring.js';

// Of a chart of 15 minutes a small screen has no more pixels for each.
const COLUMN_MS = 3_000;
const SPANS_MIN = [1, 2, 5, 15];

/** The minutes that a chart shows: a cluster that has just started has no quarter of an hour behind it. */
export function minutesOf(ring) {
  const known = ring.frames.length === 0 ? 0 : newest(ring).at - ring.frames[0].at;
  return SPANS_MIN.find((minutes) => minutes * 60_000 > known) ?? SPANS_MIN.at(-1);
}

/** The greatest value of each column, null where there is none. `read` takes a frame and returns a number or null. */
export function columns(ring, read) {
  const values = new Array((minutesOf(ring) * 60_000) / COLUMN_MS).fill(null);
  const end = newest(ring)?.at;
  for (const frame of ring.frames) {
    const value = read(frame);
    const column = values.length - 1 - Math.floor((end - frame.at) / COLUMN_MS);
    if (value !== null && column >= 0) values[column] = Math.max(value, values[column] ?? value);
  }
  return values;
}

/** The end of the axis for a greatest value: 1, 2 or 5 times a power of ten. */
export function axisEnd(greatest) {
  if (!(greatest > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(greatest));
  return [1, 2, 5, 10].map((factor) => factor * power).find((end) => end >= greatest * (1 - 1e-9));
}

/** The greatest value of several lines. */
export const greatestOf = (lines) => lines.flat().reduce((greatest, value) => Math.max(greatest, value ?? 0), 0);

/**
 * The `d` of a path in a box of a unit a column by `height`, with zero at the bottom. A single missing column is bridged, more
 * are a gap.
 */
export function linePath(values, end, height) {
  let path = '';
  let last = -Infinity;
  values.forEach((value, column) => {
    if (value === null) return;
    const y = Math.round((1 - Math.min(value / end, 1)) * height * 10) / 10;
    path += `${column - last > 2 ? 'M' : 'L'}${column} ${y}`;
    // A lone value is a dot, which a line of no length draws with round ends.
    if (column - last > 2) path += `h0.01`;
    last = column;
  });
  return path;
}
