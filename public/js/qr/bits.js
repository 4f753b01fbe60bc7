// The data of a QR code (ISO/IEC 18004): bytes with their head and padding, and the error correction
// after them. Level M, which mends 15 %, in versions 1 to 15: addresses up to 412 bytes.

/** By version: error correction bytes a block, and how many blocks of how many data bytes. */
const BLOCKS = [
  [10, [[1, 16]]], [16, [[1, 28]]], [26, [[1, 44]]], [18, [[2, 32]]], [24, [[2, 43]]],
  [16, [[4, 27]]], [18, [[4, 31]]], [22, [[2, 38], [2, 39]]], [22, [[3, 36], [2, 37]]], [26, [[4, 43], [1, 44]]],
  [30, [[1, 50], [4, 51]]], [22, [[6, 36], [2, 37]]], [22, [[8, 37], [1, 38]]], [24, [[4, 40], [5, 41]]], [24, [[5, 41], [5, 42]]],
];
const capacity = ([, groups]) => groups.reduce((sum, [count, size]) => sum + count * size, 0);
const headBits = (version) => 4 + (version < 10 ? 8 : 16);

/** `{version, bytes}` in the order in which they are drawn; null if the text is too long. */
export function codewords(text) {
  const data = [...new TextEncoder().encode(text)];
  const at = BLOCKS.findIndex((blocks, place) => data.length * 8 + headBits(place + 1) <= capacity(blocks) * 8);
  if (at === -1) return null;
  const version = at + 1;
  return { version, bytes: interleaved(padded(data, version, capacity(BLOCKS[at])), BLOCKS[at]) };
}

// Mode (bytes), length, data, an end of zeros, then 0xEC and 0x11 in turn.
function padded(data, version, size) {
  const head = `0100${data.length.toString(2).padStart(headBits(version) - 4, '0')}`;
  const bits = head + data.map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const ended = bits.padEnd(Math.min(size * 8, bits.length + 4), '0');
  const whole = ended.padEnd(Math.ceil(ended.length / 8) * 8, '0');
  const bytes = whole.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2));
  for (let pad = 0xec; bytes.length < size; pad ^= 0xec ^ 0x11) bytes.push(pad);
  return bytes;
}

function interleaved(bytes, [correctionSize, groups]) {
  const sizes = groups.flatMap(([count, size]) => new Array(count).fill(size));
  let from = 0;
  const blocks = sizes.map((size) => bytes.slice(from, (from += size)));
  const corrections = blocks.map((block) => correction(block, correctionSize));
  return [...columns(blocks), ...columns(corrections)];
}

function columns(rows) {
  const width = Math.max(...rows.map(({ length }) => length));
  return Array.from({ length: width }, (_, at) => rows.flatMap((row) => (at < row.length ? [row[at]] : []))).flat();
}

// Reed-Solomon over GF(256) with the polynomial x^8 + x^4 + x^3 + x^2 + 1.
const EXP = [];
const LOG = [];
for (let power = 0, value = 1; power < 255; power += 1) {
  EXP[power] = value;
  LOG[value] = power;
  value = value < 128 ? value * 2 : (value * 2) ^ 0x11d;
}
const times = (one, other) => (one === 0 || other === 0 ? 0 : EXP[(LOG[one] + LOG[other]) % 255]);

function correction(block, size) {
  let generator = [1];
  for (let root = 0; root < size; root += 1) {
    generator = [...generator, 0].map((value, at) => value ^ times(generator[at - 1] ?? 0, EXP[root]));
  }
  const rest = [...block, ...new Array(size).fill(0)];
  for (let at = 0; at < block.length; at += 1) {
    const factor = rest[at];
    generator.forEach((value, place) => { rest[at + place] ^= times(value, factor); });
  }
  return rest.slice(block.length);
}
