// The problem of a name, in words.

import { graphemesOver } from '../../state/text/graphemes.js';

/** `field` is 'name' or 'room', `problem` as parseName says it of `text`. */
export function problemText(i18n, { field, problem, text, max }) {
  const count = problem === 'too_long' ? graphemesOver(text.normalize('NFC').trim(), max) : 0;
  return i18n.text(`${field}_${problem}`, { count });
}
