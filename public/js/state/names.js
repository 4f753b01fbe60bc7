// What a room or user name must look like; the server decides, this spares the round trip.

// Control, bidi-control and invisible characters have no place at the ends of a name. Inside, ZWJ
// and ZWNJ are letters' business: Bengali needs them.
const INVISIBLE_ENDS = /^[\p{C}\p{Z}\s]+|[\p{C}\p{Z}\s]+$/gu;

// What the eye cannot see must not tell two names apart.
const CONTROLS = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** `{value}` or `{problem: 'empty' | 'control' | 'too_long'}`. */
export function parseName(text, maxCharacters) {
  const value = text.normalize('NFC').replace(INVISIBLE_ENDS, '');
  if (value === '') return { problem: 'empty' };
  if (CONTROLS.test(value)) return { problem: 'control' };
  return countCharacters(value) > maxCharacters ? { problem: 'too_long' } : { value };
}

/** Characters as the server counts them: code points after NFC. */
export function countCharacters(text) {
  return [...text.normalize('NFC')].length;
}
