// Where in a name an invisible character has a purpose: it shapes the letters around it or is part
// of an emoji. The same as src/model/names/invisible.rs.

import { isMark } from './characters.js';
import { JOINS_NEXT, JOINS_PREVIOUS, VIRAMA } from './joining.js';

const ZWNJ = '\u200c';
const ZWJ = '\u200d';
const VS16 = '\ufe0f';
const KEYCAP = '\u20e3';
const BLACK_FLAG = '\u{1f3f4}';
const TAG_END = '\u{e007f}';
const TAG = /[\u{e0020}-\u{e007e}]/u;
// Two letters of a country, and one to three letters or digits.
const REGION = /^[\u{e0030}-\u{e0039}\u{e0061}-\u{e007a}]{3,5}$/u;
const LONGEST_REGION = 6;
const MARKS_BETWEEN = 8;
const PICTOGRAPH = /\p{Extended_Pictographic}/u;
const EMOJI = /\p{Emoji}/u;
const MODIFIER = /\p{Emoji_Modifier}/u;
const KEY = /[0-9#*]/;

/** Has the invisible character at `at` a purpose there? `text` is a list of characters. */
export function hasPurpose(text, at) {
  const character = text[at];
  if (character === ZWNJ) return isBesideVirama(text, at) || partsCursiveLetters(text, at);
  if (character === ZWJ) return isBesideVirama(text, at) || joinsPictographs(text, at);
  if (character === VS16) return givesEmojiForm(text, at);
  return (TAG.test(character) || character === TAG_END) && isInFlag(text, at);
}

export const isJoiner = (character) => character === ZWNJ || character === ZWJ;

const is = (kind, character) => character !== undefined && kind.test(character);

function isBesideVirama(text, at) {
  return at > 0 && (is(VIRAMA, text[at - 1]) || is(VIRAMA, text[at + 1]));
}

// RFC 5892, A.1: the letters on both sides would join.
function partsCursiveLetters(text, at) {
  const isLetter = (character) => !isMark(character);
  const before = text.slice(Math.max(0, at - MARKS_BETWEEN), at).findLast(isLetter);
  const after = text.slice(at + 1, at + 1 + MARKS_BETWEEN).find(isLetter);
  return is(JOINS_NEXT, before) && is(JOINS_PREVIOUS, after);
}

function joinsPictographs(text, at) {
  const isDressed = at > 1 && (text[at - 1] === VS16 || is(MODIFIER, text[at - 1]));
  return is(PICTOGRAPH, text[isDressed ? at - 2 : at - 1]) && is(PICTOGRAPH, text[at + 1]);
}

function givesEmojiForm(text, at) {
  const before = text[at - 1];
  const isKey = is(KEY, before) && text[at + 1] === KEYCAP;
  return isKey || (is(PICTOGRAPH, before) && is(EMOJI, before));
}

// A black flag, the region in tags, the end of the tags.
function isInFlag(text, at) {
  let first = at;
  while (at - first < LONGEST_REGION && is(TAG, text[first - 1])) first -= 1;
  let end = at;
  while (end - at < LONGEST_REGION && is(TAG, text[end])) end += 1;
  const isRegion = REGION.test(text.slice(first, end).join(''));
  return isRegion && text[first - 1] === BLACK_FLAG && text[end] === TAG_END;
}
