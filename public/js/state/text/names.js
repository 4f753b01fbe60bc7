// Names of rooms and users: the server's rule (src/model/names.rs), which decides;
// this spares the round trip. Both are tested with tests/names.json.

import { isForbidden, isInvisible, isMark, isWhiteSpace, needsMark, wellFormed } from './characters.js';
import { hasPurpose, isJoiner } from './invisible.js';

const NEEDLESS_MARKS = 4;
const MARKS = 8;
// UTF-16 units a character; a longer text is too long, whatever is in it.
const UNITS = 8;

/** `{value}` or `{problem: 'empty' | 'hidden' | 'marks' | 'too_long'}`. */
export function parseName(text, maxCharacters) {
  if (text.length > maxCharacters * UNITS) return { problem: 'too_long' };
  const name = trimmed([...wellFormed(text).normalize('NFC')]);
  if (name.length === 0) return { problem: 'empty' };
  if (name.some((_, at) => isHidden(name, at))) return { problem: 'hidden' };
  const value = name.join('');
  if (hasTooManyMarks(value)) return { problem: 'marks' };
  return name.length > maxCharacters ? { problem: 'too_long' } : { value };
}

/** As `parseName`, or `{problem: 'reserved'}`. */
export function parseRoom(text, maxCharacters) {
  const parsed = parseName(text, maxCharacters);
  // No path of an address can name the first two; the signs are those of conversations.
  const isReserved = parsed.value === '.' || parsed.value === '..' || /^[!@]/.test(parsed.value);
  return isReserved ? { problem: 'reserved' } : parsed;
}

/** A typed text with one blank where there are several: that is a slip of the finger. */
export function tidied(text) {
  return text.replace(/\p{White_Space}+/gu, ' ');
}

/** Characters as the server counts them: code points after NFC. */
export function countCharacters(text) {
  return [...text.normalize('NFC')].length;
}

function trimmed(characters) {
  const isBlank = (character) => isWhiteSpace(character) || isInvisible(character);
  const begin = characters.findIndex((character) => !isBlank(character));
  const rest = begin === -1 ? [] : characters.slice(begin);
  while (rest.length > 0 && isBlank(rest.at(-1)) && !isNeededAtEnd(rest)) rest.pop();
  return rest;
}

const isNeededAtEnd = (rest) => !isJoiner(rest.at(-1)) && hasPurpose(rest, rest.length - 1);

function isHidden(name, at) {
  const character = name[at];
  if (character === ' ') return name[at - 1] === ' ';
  if (isForbidden(character) || isWhiteSpace(character)) return true;
  return isInvisible(character) && !hasPurpose(name, at);
}

// Counts the marks of letters that NFC has composed, too.
function hasTooManyMarks(name) {
  let base = ' ';
  let last = ' ';
  let marks = 0;
  let needless = 0;
  for (const character of name.normalize('NFD')) {
    if (isInvisible(character)) continue;
    if (!isMark(character)) {
      [base, marks, needless] = [character, 0, 0];
    } else {
      marks += 1;
      if (character === last || !needsMark(base, character)) needless += 1;
      if (base === ' ' || marks > MARKS || needless > NEEDLESS_MARKS) return true;
    }
    last = character;
  }
  return false;
}
