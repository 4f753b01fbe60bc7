// The page's dialogs: opened by `[data-dialog]`, closed by a second press there, by Escape, by a press beside them, or by
// `[data-close]`. The browser traps the focus and gives it back. A dialog that opens has an event `open`.

import { byId } from './markup.js';

export function openDialog(id) {
  const dialog = byId(id);
  if (dialog.hasAttribute('open')) return;
  // An old engine shows it over the page all the same, see dialog.css.
  if (dialog.showModal) dialog.showModal();
  else dialog.setAttribute('open', '');
  dialog.dispatchEvent(new Event('open'));
}

export function closeDialog(dialog) {
  if (dialog.close) dialog.close();
  else {
    dialog.removeAttribute('open');
    dialog.dispatchEvent(new Event('close'));
  }
}

/** For a press on the opener, which in an old engine stays within reach. */
export function toggleDialog(id) {
  if (byId(id).hasAttribute('open')) closeDialog(byId(id));
  else openDialog(id);
}

export function dialogs() {
  for (const opener of document.querySelectorAll('[data-dialog]')) {
    opener.addEventListener('click', () => toggleDialog(opener.dataset.dialog));
  }
  for (const dialog of document.querySelectorAll('dialog')) {
    dialog.addEventListener('click', ({ target }) => {
      if (target === dialog || target.closest('[data-close]')) closeDialog(dialog);
    });
  }
}
