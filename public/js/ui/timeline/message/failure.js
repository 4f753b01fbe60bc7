// Below a message that was not sent: why, and what to do. Made only when it is needed.

import { cloned, setText } from '../../lib/markup.js';

/** Shows or takes away the `.message__failure` of a row; `reason` is null when nothing failed. */
export function updateFailure(element, reason, i18n) {
  const known = element.querySelector('.message__failure');
  if (reason === null) return known?.remove();
  const failure = known ?? cloned('failure-template', i18n);
  setText(failure.querySelector('.message__reason'), i18n.text(i18n.has(`failed_${reason}`) ? `failed_${reason}` : 'failed'));
  if (!known) element.querySelector('.message__body').append(failure);
  return undefined;
}

/** One listener for all rows. */
export function failureButtons(rows, chat) {
  rows.addEventListener('click', ({ target }) => {
    const button = target.closest('.message__retry, .message__discard');
    if (!button) return;
    const { key } = button.closest('.message').dataset;
    if (button.classList.contains('message__retry')) chat.retry(key);
    else chat.discard(key);
  });
}
