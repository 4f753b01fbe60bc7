// The squares of a QR code: patterns by which a camera finds it, then the bits in their zigzag
// under the mask that leaves the fewest misleading shapes.

import { codewords } from './bits.js';

/** Rows of booleans (dark), without the quiet zone; null if the text is too long. */
export function qrMatrix(text) {
  const code = codewords(text);
  if (code === null) return null;
  const frame = patterns(code.version);
  const bits = code.bytes.flatMap((byte) => Array.from({ length: 8 }, (_, at) => (byte >> (7 - at)) & 1));
  fill(frame, bits);
  const masked = MASKS.map((mask, number) => withFormat(frame, mask, number));
  return masked.reduce((best, it) => (penalty(it) < penalty(best) ? it : best));
}

const MASKS = [
  (x, y) => (x + y) % 2 === 0, (x, y) => y % 2 === 0, (x) => x % 3 === 0, (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0, (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0, (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

// `cells[y][x]` is dark or not, `fixed[y][x]` whether it belongs to a pattern.
function patterns(version) {
  const size = version * 4 + 17;
  const grid = () => Array.from({ length: size }, () => new Array(size).fill(false));
  const frame = { size, cells: grid(), fixed: grid() };
  const put = (x, y, isDark) => {
    if (x < 0 || y < 0 || x >= size || y >= size) return;
    frame.cells[y][x] = isDark;
    frame.fixed[y][x] = true;
  };
  const ring = (cx, cy, reach, isDarkAt) => {
    for (let y = -reach; y <= reach; y += 1) {
      for (let x = -reach; x <= reach; x += 1) put(cx + x, cy + y, isDarkAt(Math.max(Math.abs(x), Math.abs(y))));
    }
  };
  for (let at = 0; at < size; at += 1) {
    put(6, at, at % 2 === 0);
    put(at, 6, at % 2 === 0);
  }
  for (const [x, y] of alignments(version, size)) ring(x, y, 2, (distance) => distance !== 1);
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) ring(x, y, 4, (distance) => distance !== 2 && distance !== 4);
  formatPlaces(size).flat().forEach(([x, y]) => put(x, y, false));
  put(8, size - 8, true);
  if (version >= 7) putVersion(version, size, put);
  return frame;
}

function alignments(version, size) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = Math.ceil((size - 13) / (count * 2 - 2)) * 2;
  const places = [6, ...Array.from({ length: count - 1 }, (_, at) => size - 7 - at * step).reverse()];
  const isFinder = (x, y) => (x === 6 && y === 6) || (x === 6 && y === size - 7) || (x === size - 7 && y === 6);
  return places.flatMap((y) => places.map((x) => [x, y])).filter(([x, y]) => !isFinder(x, y));
}

// Bits 0 to 14, twice.
function formatPlaces(size) {
  const first = Array.from({ length: 15 }, (_, bit) => {
    if (bit < 6) return [8, bit];
    if (bit < 8) return [8, bit + 1];
    return bit === 8 ? [7, 8] : [14 - bit, 8];
  });
  const second = Array.from({ length: 15 }, (_, bit) => (bit < 8 ? [size - 1 - bit, 8] : [8, size - 15 + bit]));
  return [first, second];
}

function putVersion(version, size, put) {
  const bits = (version << 12) | remainder(version, 0x1f25, 12);
  for (let bit = 0; bit < 18; bit += 1) {
    const [far, near] = [size - 11 + (bit % 3), Math.floor(bit / 3)];
    put(far, near, ((bits >> bit) & 1) === 1);
    put(near, far, ((bits >> bit) & 1) === 1);
  }
}

function remainder(value, polynomial, length) {
  let rest = value;
  for (let bit = 0; bit < length; bit += 1) rest = (rest << 1) ^ ((rest >> (length - 1)) * polynomial);
  return rest;
}

// In columns of two from the right, up and down in turn, past the column of the timing pattern.
function fill({ size, cells, fixed }, bits) {
  let at = 0;
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step += 1) {
      const isUp = ((right + 1) & 2) === 0;
      const y = isUp ? size - 1 - step : step;
      for (const x of [right, right - 1]) {
        if (!fixed[y][x]) cells[y][x] = bits[at++] === 1;
      }
    }
  }
}

// The level M is 00 in the format's first two bits.
function withFormat({ size, cells, fixed }, mask, number) {
  const rows = cells.map((row, y) => row.map((isDark, x) => (fixed[y][x] ? isDark : isDark !== mask(x, y))));
  const bits = ((number << 10) | remainder(number, 0x537, 10)) ^ 0x5412;
  for (const places of formatPlaces(size)) {
    places.forEach(([x, y], bit) => { rows[y][x] = ((bits >> bit) & 1) === 1; });
  }
  return rows;
}

function penalty(rows) {
  const columns = rows.map((_, x) => rows.map((row) => row[x]));
  const lines = [...rows, ...columns].map((line) => line.map(Number).join(''));
  const runs = lines.flatMap((line) => line.match(/0{5,}|1{5,}/g) ?? []).reduce((sum, run) => sum + run.length - 2, 0);
  const finders = lines.flatMap((line) => line.match(/(?=00001011101|10111010000)/g) ?? []).length * 40;
  const blocks = rows.slice(1).reduce((sum, row, y) =>
    sum + row.slice(1).filter((isDark, x) => [rows[y][x], rows[y][x + 1], row[x]].every((it) => it === isDark)).length, 0) * 3;
  const dark = rows.flat().filter(Boolean).length / rows.length ** 2;
  return runs + finders + blocks + Math.floor(Math.abs(dark - 0.5) * 20) * 10;
}
