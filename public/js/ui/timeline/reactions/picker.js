// The dialog in which one looks for an emoji: those used lately first, then all, found by their English and Bengali names.

import { allEmoji, emojiLike } from '../../../i18n/emoji.js';
import { closeDialog, openDialog } from '../../lib/dialogs.js';
import { byId, setText } from '../../lib/markup.js';

const RECENT_SHOWN = 14;

/** Returns `pick(chosen)`: opens the dialog, and calls `chosen(emoji)` once. */
export function picker({ i18n, storage }) {
  const dialog = byId('emoji-picker');
  const field = byId('find-emoji');
  let chosen = null;
  let recent = [];

  field.addEventListener('input', fill);
  dialog.addEventListener('close', () => { chosen = null; });
  dialog.addEventListener('click', ({ target }) => {
    const button = target.closest('[data-emoji]');
    if (button) take(button.dataset.emoji);
  });
  dialog.addEventListener('keydown', (event) => {
    if (event.isComposing) return;
    const buttons = [...dialog.querySelectorAll('[data-emoji]')];
    if (event.key === 'Enter' && event.target === field) {
      event.preventDefault();
      if (buttons.length > 0) take(buttons[0].dataset.emoji);
      return;
    }
    const to = next(event, buttons);
    if (!to) return;
    event.preventDefault();
    to.focus();
  });

  // A grid without rows of its own: the places on screen say what is above and below.
  function next({ key, target }, buttons) {
    if (target === field) return key === 'ArrowDown' ? buttons[0] : null;
    const at = buttons.indexOf(target);
    if (at === -1) return null;
    if (key === 'ArrowRight') return buttons[at + 1];
    if (key === 'ArrowLeft') return buttons[at - 1] ?? field;
    const place = (button) => button.getBoundingClientRect();
    const isNear = (button) => Math.abs(place(button).left - place(target).left) < 4;
    if (key === 'ArrowDown') return buttons.slice(at + 1).find(isNear);
    return key === 'ArrowUp' ? (buttons.slice(0, at).findLast(isNear) ?? field) : null;
  }

  function take(emoji) {
    const done = chosen;
    recent = [emoji, ...recent.filter((it) => it !== emoji)].slice(0, RECENT_SHOWN);
    storage.keepRecentEmoji(recent);
    closeDialog(dialog);
    done?.(emoji);
  }

  function fill() {
    const isSearch = field.value.trim() !== '';
    const found = isSearch ? emojiLike(field.value) : allEmoji();
    byId('emoji-recent-part').hidden = isSearch || recent.length === 0;
    byId('emoji-all-heading').hidden = isSearch;
    show(byId('emoji-recent'), isSearch ? [] : recent.map((sign) => ({ sign, names: [] })));
    show(byId('emoji-all'), found);
    setText(byId('emoji-none'), found.length === 0 ? i18n.text('no_emoji') : '');
  }

  return function pick(whenChosen) {
    recent = storage.recentEmoji().slice(0, RECENT_SHOWN);
    field.value = '';
    fill();
    openDialog('emoji-picker');
    chosen = whenChosen;
    field.focus();
  };
}

function show(list, emoji) {
  list.replaceChildren(...emoji.map(({ sign, names }) => {
    const button = document.createElement('button');
    Object.assign(button, { type: 'button', className: 'emoji-picker__emoji', textContent: sign, title: names.join(', ').replaceAll('_', ' ') });
    button.dataset.emoji = sign;
    return button;
  }));
}
