// Below a message that was not sent, or whose edit was refused: why, and what to do. Made only when it is needed.

import { byId, cloned, setText } from '../../lib/markup.js';

/** Shows or takes away the `.message__failure` of a row; `failed` is {nonce, kind, reason}, or null when nothing failed. `kind` is that of a change. */
export function updateFailure(element, failed, i18n) {
  const known = element.querySelector('.message__failure');
  if (failed === null) return known?.remove();
  const failure = known ?? cloned('failure-template', i18n);
  failure.dataset.nonce = failed.nonce;
  setText(failure.querySelector('.message__reason'), failed.kind === null ? textOf(failed, i18n) : changeFailed(failed, i18n));
  if (!known) element.querySelector('.message__body').append(failure);
  return undefined;
}

function textOf({ reason }, i18n) {
  return i18n.text(i18n.has(`failed_${reason}`) ? `failed_${reason}` : 'failed');
}

/** That a change was refused, and why. */
export function changeFailed({ kind, reason }, i18n) {
  const why = i18n.has(`change_reason_${reason}`) ? ` ${i18n.text(`change_reason_${reason}`)}` : '';
  return `${i18n.text(`change_failed_${kind}`)}${why}`;
}

/** One listener for all rows. */
export function failureButtons(rows, chat) {
  rows.addEventListener('click', ({ target }) => {
    const button = target.closest('.message__retry, .message__discard');
    if (!button) return;
    const { nonce } = button.closest('.message__failure').dataset;
    if (button.classList.contains('message__retry')) chat.retry(nonce);
    else chat.discard(nonce);
    // The button goes away, and the focus must not go with it.
    byId('timeline').focus({ preventScroll: true });
  });
}
