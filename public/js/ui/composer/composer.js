// Where one writes. Never disabled: what is written without a connection waits in the outbox.

import { hasVisible } from '../../state/characters.js';
import { countCharacters } from '../../state/names.js';
import { byId, setText } from '../lib/markup.js';

// From here on a writer wants to know how much room is left.
const COUNT_FROM = 0.8;
// More than this many times the limit is never typed: it is pasted, and not taken in whole.
const MOST = 4;

export function composer({ i18n, chat, store }) {
  const input = byId('composer-input');
  const error = byId('composer-error');
  // Touch keyboards have no Shift+Enter; there Enter is a new line and the button sends.
  const isTouch = matchMedia('(pointer: coarse)').matches;
  input.enterKeyHint = isTouch ? 'enter' : 'send';
  let shownRoom = null;
  let written = 0;

  byId('composer').addEventListener('submit', (event) => {
    event.preventDefault();
    post();
    input.focus();
  });
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || isTouch || isComposing(event)) return;
    event.preventDefault();
    post();
  });
  input.addEventListener('input', () => {
    if (input.value.trim() !== '') chat.typing(shownRoom);
    chat.keepDraft(shownRoom, input.value);
    setText(error, '');
    updateInput();
  });
  // The browser takes in no more than `maxLength`, and says nothing.
  input.addEventListener('paste', (event) => {
    const length = event.clipboardData?.getData('text').length ?? 0;
    if (input.value.length + length > input.maxLength) requestAnimationFrame(() => tellCut());
  });

  function tellCut() {
    setText(error, i18n.text('paste_cut', { max: store.state.limits.content_chars }));
  }

  function post() {
    const content = input.value.trim();
    if (!hasVisible(content)) return;
    const max = store.state.limits.content_chars;
    if (written > max) return setText(error, i18n.text('message_too_long', { max }));
    chat.post(shownRoom, content);
    input.value = '';
    chat.keepDraft(shownRoom, '');
    updateInput();
  }

  function updateInput() {
    // The box is as high as this copy of its text, see composer.css. Measuring the box itself would
    // collapse it for a moment, and the timeline's place with it.
    byId('composer-grow').dataset.copy = input.value;
    written = countCharacters(input.value.trim());
    updateCount(store.state.limits.content_chars);
  }

  function updateCount(max) {
    input.maxLength = max * MOST;
    const count = byId('composer-count');
    count.hidden = written < max * COUNT_FROM;
    count.classList.toggle('composer__count--over', written > max);
    setText(count, written > max
      ? i18n.text('characters_over', { count: written - max })
      : i18n.text('characters_left', { count: max - written }));
  }

  return {
    update(state) {
      if (state.active !== shownRoom) {
        shownRoom = state.active;
        input.value = shownRoom === null ? '' : chat.draft(shownRoom).slice(0, state.limits.content_chars * MOST);
        setText(error, '');
        updateInput();
      }
      updateCount(state.limits.content_chars);
    },
    // On a phone the focus would bring up the keyboard unasked.
    focus: () => isTouch || input.focus(),
  };
}

// Safari ends the composition before it reports the Enter that ended it; its keyCode is 229 then.
function isComposing(event) {
  return event.isComposing || event.keyCode === 229;
}
