import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codewords } from '../../public/js/qr/bits.js';
import { qrMatrix } from '../../public/js/qr/matrix.js';

// As two other encoders and a decoder see it: version 2, level M, mask 2.
const EXAMPLE = [
  '1111111001100010101111111',
  '1000001000010101101000001',
  '1011101010001000101011101',
  '1011101011111110001011101',
  '1011101011000000101011101',
  '1000001010100111001000001',
  '1111111010101010101111111',
  '0000000010100010100000000',
  '1011111000001100001111100',
  '1000000001010100010100010',
  '0100111000110111100101011',
  '0001100100000011101100001',
  '1001101001000001011010111',
  '1011010010001100100101010',
  '1011101011000111001111011',
  '1000110010101101111110001',
  '1011111101001010111110100',
  '0000000011100001100011000',
  '1111111000111000101010111',
  '1000001010010010100011001',
  '1011101011110001111110111',
  '1011101010101111011011111',
  '1011101011000111000001101',
  '1000001001101100110111001',
  '1111111010001010011111111',
];

test('an address is the picture that others draw of it', () => {
  const drawn = qrMatrix('https://example.org/').map((row) => row.map(Number).join(''));
  assert.deepEqual(drawn, EXAMPLE);
});

test('the size follows the length; what no version holds is not drawn', () => {
  for (const [length, version] of [[14, 1], [15, 2], [213, 10], [214, 11], [412, 15]]) {
    assert.equal(codewords('x'.repeat(length)).version, version);
    assert.equal(qrMatrix('x'.repeat(length)).length, version * 4 + 17);
  }
  assert.equal(qrMatrix('x'.repeat(413)), null);
});

test('Bengali counts in bytes', () => {
  assert.equal(codewords('ক'.repeat(71)).version, 10);
  assert.equal(codewords('ক'.repeat(72)).version, 11);
});
