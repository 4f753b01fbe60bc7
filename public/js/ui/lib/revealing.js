// Passwords are hidden until their writer presses the eye beside them: `[data-reveals]` names the field.

import { byId } from './markup.js';

export function revealing() {
  for (const button of document.querySelectorAll('[data-reveals]')) {
    button.addEventListener('click', () => {
      show(button, byId(button.dataset.reveals).type === 'password');
      byId(button.dataset.reveals).focus();
    });
  }
}

/** Hides the passwords of a form again. */
export function conceal(form) {
  for (const button of form.querySelectorAll('[data-reveals]')) show(button, false);
}

function show(button, isShown) {
  byId(button.dataset.reveals).type = isShown ? 'text' : 'password';
  button.setAttribute('aria-pressed', String(isShown));
}
