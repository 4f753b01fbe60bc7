// A coloured letter for a person, without asking anybody for a picture.

import { firstGrapheme } from '../../state/text/graphemes.js';
import { setText } from './markup.js';

/** Fills an `.avatar` element. */
export function avatar(element, { username, hue }) {
  setText(element, firstGrapheme(username) || '?');
  element.dataset.hue = hue;
}
