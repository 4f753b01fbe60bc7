// What a room or user name must look like; the server decides, this spares the round trip.

// Control, bidi-control and invisible characters have no place at the ends of a name. Inside, ZWJ
// and ZWNJ are letters' business: Bengali needs them.
const INVISIBLE_ENDS = /^[\p{C}\p{Z}\s]+|[\p{C}\p{Z}\s]+$/gu;

/** `{value}` or `{problem: 'empty' | 'too_long'}`. */
export function parseName(text, maxCharacters) {
  const value = text.normalize('NFC').replace(INVISIBLE_ENDS, '');
  if (value === '') return { problem: 'empty' };
  return countCharacters(value) > maxCharacters ? { problem: 'too_long' } : { value };
}

/** Characters as the server counts them: code points after NFC. */
export function countCharacters(text) {
  return [...text.normalize('NFC')].length;
}
