// Over a message: what it answers, as that is now. A press leads there.

import { cloned, setAttribute, setText } from '../../lib/markup.js';

/** Shows or takes away the `.quotation` of a row; `quoted` is the message's `reply_to`. */
export function updateQuotation(element, quoted, i18n) {
  const known = element.querySelector('.message__quoted');
  if (!quoted) return known?.remove();
  const line = known ?? cloned('quotation-template', i18n);
  const quotation = line.querySelector('.quotation');
  quotation.dataset.seq = quoted.seq;
  const content = quoted.deleted ? i18n.text('quotation_gone') : quoted.content || i18n.text('quotation_files');
  setText(quotation.querySelector('.quotation__author'), quoted.deleted ? '' : quoted.username);
  setText(quotation.querySelector('.quotation__content'), content);
  setAttribute(quotation, 'aria-label', quoted.deleted ? content : i18n.text('quotation_label', { name: quoted.username, content }));
  if (!known) element.querySelector('.message__header').after(line);
  return undefined;
}

/** One listener for all rows; `seek(seq)` leads to a message of the room on screen. */
export function quotationLinks(rows, seek) {
  rows.addEventListener('click', ({ target }) => {
    const quotation = target.closest('.quotation');
    if (quotation) seek(Number(quotation.dataset.seq));
  });
}
