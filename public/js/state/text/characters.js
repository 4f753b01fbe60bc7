// Kinds of characters in terms of Unicode properties, as src/model/characters.rs has them.

// Draw nothing although their category is one of visible characters.
const BLANK = /[\u2800\u303f\ufffc\u{13441}\u{13442}\u{16fe4}\u{1d159}]/u;
// Format characters that enclose a number (Prepended_Concatenation_Mark).
const NUMBER_SIGN = /[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}]/u;
const IGNORED = /[\p{Default_Ignorable_Code_Point}\p{Cf}]/u;
const FORBIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\ufffd]/u;
const WHITE_SPACE = /\p{White_Space}/u;
const MARK = /\p{M}/u;
const SHARED = /[\p{Script=Inherited}\p{Script=Common}]/u;
const WITHOUT_MARKS = /[\p{Script=Common}\p{Script=Inherited}\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]/u;

export const isWhiteSpace = (character) => WHITE_SPACE.test(character);
/** Draws nothing by itself. */
export const isInvisible = (character) =>
  (IGNORED.test(character) && !NUMBER_SIGN.test(character)) || BLANK.test(character);
/** No name has it anywhere. */
export const isForbidden = (character) => FORBIDDEN.test(character);
export const isMark = (character) => MARK.test(character);
/** The letter needs the mark: both are of a script with marks of its own. Of that a page knows no more than that it is about one block of 256. */
export const needsMark = (base, mark) =>
  !WITHOUT_MARKS.test(base) && !SHARED.test(mark) && base.codePointAt() >> 8 === mark.codePointAt() >> 8;

/** Half a character, as a broken keyboard or a cut leaves it, becomes the sign for that. */
export const wellFormed = (text) => text.replace(/\p{Cs}/gu, '\ufffd');

/** Does a text have something to see? Ends at the first that has. */
export function hasVisible(text) {
  for (const character of text) {
    if (!isWhiteSpace(character) && !isInvisible(character) && !isForbidden(character)) return true;
  }
  return false;
}

/** A message as the server takes it: whole characters, composed, nothing around, no U+0000. */
export function sendable(content) {
  return wellFormed(content.replace(/\0/g, '')).normalize('NFC').trim();
}
