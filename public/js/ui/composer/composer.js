// Where one writes. Never disabled: what is written without a connection waits in the outbox.

import { countCharacters } from '../../state/names.js';
import { byId, setText } from '../lib/markup.js';

// From here on a writer wants to know how much room is left.
const COUNT_FROM = 0.8;

export function composer({ i18n, chat, store, storage }) {
  const input = byId('composer-input');
  const error = byId('composer-error');
  // Touch keyboards have no Shift+Enter; there Enter is a new line and the button sends.
  const isTouch = matchMedia('(pointer: coarse)').matches;
  input.enterKeyHint = isTouch ? 'enter' : 'send';
  let shownRoom = null;

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
    storage.keepDraft(shownRoom, input.value);
    setText(error, '');
    updateInput();
  });

  function post() {
    const content = input.value.trim();
    if (content === '') return;
    const max = store.state.limits.content_chars;
    if (countCharacters(content) > max) return setText(error, i18n.text('message_too_long', { max }));
    chat.post(shownRoom, content);
    input.value = '';
    storage.keepDraft(shownRoom, '');
    updateInput();
  }

  function updateInput() {
    // The box is as high as this copy of its text, see composer.css. Measuring the box itself would
    // collapse it for a moment, and the timeline's place with it.
    byId('composer-grow').dataset.copy = input.value;
    updateCount(countCharacters(input.value.trim()), store.state.limits.content_chars);
  }

  function updateCount(written, max) {
    const count = byId('composer-count');
    count.hidden = written < max * COUNT_FROM;
    count.classList.toggle('composer__count--over', written > max);
    setText(count, written > max
      ? i18n.text('characters_over', { count: written - max })
      : i18n.text('characters_left', { count: max - written }));
  }

  return {
    update(state) {
      if (state.active !== null && state.active !== shownRoom) {
        shownRoom = state.active;
        input.value = storage.draft(shownRoom);
        setText(error, '');
        updateInput();
      }
      updateCount(countCharacters(input.value.trim()), state.limits.content_chars);
    },
    // On a phone the focus would bring up the keyboard unasked.
    focus: () => isTouch || input.focus(),
  };
}

// Safari ends the composition before it reports the Enter that ended it; its keyCode is 229 then.
function isComposing(event) {
  return event.isComposing || event.keyCode === 229;
}
