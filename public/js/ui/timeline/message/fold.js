// A message of many lines is folded, with a button that shows the rest.

import { linesOf } from '../../../state/timeline/lines.js';
import { setAttribute, setText } from '../../lib/markup.js';

const LINES_SHOWN = 20;
const CHARACTERS_A_LINE = { narrow: 36, wide: 72 };
const narrow = matchMedia('(max-width: 59.99rem)');
const unfolded = new WeakSet();

/** Folds a `.message` if what it shows is long, unless its reader has unfolded it. */
export function updateFold(element, { content: written }, i18n) {
  const known = element.querySelector('.message__more');
  // Most messages are short, and what is written is about as long as what is shown: they need no look at the page.
  if (known === null && linesOf(written, CHARACTERS_A_LINE.narrow, LINES_SHOWN) < LINES_SHOWN / 2) return;
  const blocks = element.querySelector('.message__content').querySelectorAll('p, blockquote, pre, li');
  const content = [...blocks].map(({ textContent }) => textContent).join('\n');
  const perLine = CHARACTERS_A_LINE[narrow.matches ? 'narrow' : 'wide'];
  const isLong = linesOf(content, perLine, LINES_SHOWN + 1) > LINES_SHOWN;
  element.classList.toggle('message--folded', isLong && !unfolded.has(element));
  if (isLong) show(element, known ?? addedButton(element, i18n), i18n);
  else known?.remove();
}

function addedButton(element, i18n) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'message__more button button--quiet';
  button.addEventListener('click', () => {
    if (!unfolded.delete(element)) unfolded.add(element);
    show(element, button, i18n);
  });
  element.querySelector('.message__content').after(button);
  return button;
}

function show(element, button, i18n) {
  const isUnfolded = unfolded.has(element);
  element.classList.toggle('message--folded', !isUnfolded);
  setText(button, i18n.text(isUnfolded ? 'show_less' : 'show_more'));
  setAttribute(button, 'aria-expanded', String(isUnfolded));
}
