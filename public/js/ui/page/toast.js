// A word about what was just done, with a way to undo it. It goes by itself.

import { byId, setText } from '../lib/markup.js';

const SHOWN_MS = 8_000;

/** Returns `tell(text, undo?, shownMs?)`; `undo` is {label, run}. */
export function toast() {
  const box = byId('toast');
  const button = byId('toast-undo');
  let timer = null;
  let run = null;
  let lastsMs = SHOWN_MS;

  function hide() {
    // A click or a voice may still be on its way to the button.
    if (box.matches(':hover, :focus-within')) return rest();
    box.classList.remove('toast--shown');
    setText(byId('toast-text'), '');
    button.hidden = true;
    return undefined;
  }

  function rest() {
    clearTimeout(timer);
    timer = setTimeout(hide, lastsMs);
  }

  button.addEventListener('click', () => {
    button.blur();
    box.classList.remove('toast--shown');
    button.hidden = true;
    run?.();
  });

  return function tell(text, undo = null, shownMs = SHOWN_MS) {
    lastsMs = shownMs;
    run = undo?.run ?? null;
    setText(byId('toast-text'), text);
    setText(button, undo?.label ?? '');
    button.hidden = undo === null;
    box.classList.add('toast--shown');
    rest();
  };
}
