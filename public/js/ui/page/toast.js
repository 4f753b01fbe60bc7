// A word about what was just done, with a way to undo it. It goes by itself.

import { byId, cloned, setText } from '../lib/markup.js';

const SHOWN_MS = 8_000;
// Lines over the newest one, at most.
const EARLIER_MAX = 3;

/**
 * Returns `tell(text, undo?, shownMs?)`; `undo` is {label, run, isOwn?}. One that is of its own (`isOwn`) is not replaced by the next word but moves
 * up, and can be undone for as long as it was said to.
 */
export function toast({ i18n }) {
  const box = byId('toast');
  const button = byId('toast-undo');
  const earlier = byId('toasts-earlier');
  const composer = byId('composer');
  let timer = null;
  // {text, undo, lastsMs, endsAt} of what is shown.
  let shown = null;

  // Over what is being written, however much that is.
  if (globalThis.ResizeObserver) new ResizeObserver(() => box.parentElement.style.setProperty('--composer', `${composer.offsetHeight}px`)).observe(composer);

  function hide() {
    // A click or a voice may still be on its way to the button.
    if (box.matches(':hover, :focus-within')) return rest();
    box.classList.remove('toast--shown');
    setText(byId('toast-text'), '');
    button.hidden = true;
    shown = null;
    return undefined;
  }

  function rest() {
    clearTimeout(timer);
    timer = setTimeout(hide, shown.lastsMs);
  }

  function moveUp({ text, undo, endsAt }) {
    const line = cloned('toast-template', i18n);
    setText(line.querySelector('.toast__text'), text);
    const again = line.querySelector('.button');
    setText(again, undo.label);
    again.addEventListener('click', () => {
      line.remove();
      undo.run();
    });
    earlier.append(line);
    if (earlier.childElementCount > EARLIER_MAX) earlier.firstElementChild.remove();
    setTimeout(() => line.remove(), endsAt - performance.now());
  }

  button.addEventListener('click', () => {
    const run = shown?.undo?.run;
    clearTimeout(timer);
    button.blur();
    box.classList.remove('toast--shown');
    button.hidden = true;
    shown = null;
    run?.();
  });

  return function tell(text, undo = null, shownMs = SHOWN_MS) {
    if (shown?.undo?.isOwn && shown.endsAt > performance.now()) moveUp(shown);
    shown = { text, undo, lastsMs: shownMs, endsAt: performance.now() + shownMs };
    setText(byId('toast-text'), text);
    setText(button, undo?.label ?? '');
    button.hidden = undo === null;
    box.classList.add('toast--shown');
    rest();
  };
}
