// A coloured letter for a user: the same one everywhere, without asking anybody for a picture.

import { firstGrapheme } from '../../state/graphemes.js';

/** Fills an `.avatar` element. */
export function avatar(element, { user_id, username }) {
  element.textContent = firstGrapheme(username) || '?';
  element.style.setProperty('--hue', hueOf(user_id ?? username));
}

function hueOf(text) {
  let hash = 7;
  for (const character of text) hash = (hash * 131 + character.codePointAt(0)) % 1_000_003;
  return hash % 360;
}
