// Where one writes. Never disabled: what is written without a connection waits in the outbox.

import { hasVisible } from '../../state/text/characters.js';
import { isHeldBack } from '../../state/rooms/restrictions.js';
import { graphemesOver } from '../../state/text/graphemes.js';
import { countCharacters } from '../../state/text/names.js';
import { byId, setText } from '../lib/markup.js';
import { commandLine } from './command_line.js';
import { completions } from './completions.js';
import { heldLine } from './held_line.js';

// From here on a writer wants to know how much room is left.
const COUNT_FROM = 0.8;
// More than this many times the limit is never typed: it is pasted, and not taken in whole.
const MOST = 4;

export function composer(page) {
  const { i18n, chat, store, settings, now } = page;
  const input = byId('composer-input');
  const error = byId('composer-error');
  // Touch keyboards have no Shift+Enter; there Enter is a new line and the button sends.
  const isTouch = matchMedia('(pointer: coarse)').matches;
  input.enterKeyHint = isTouch ? 'enter' : 'send';
  let shownRoom = null;
  let written = 0;
  // Before the keys below: Enter takes what the list offers.
  completions(page);
  const commands = commandLine(page);
  const held = heldLine(page);

  byId('composer').addEventListener('submit', (event) => {
    event.preventDefault();
    post();
    input.focus();
  });
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.defaultPrevented || isComposing(event) || !sends(event)) return;
    event.preventDefault();
    post();
  });
  input.addEventListener('input', () => {
    const isSpeaking = input.value.trim() !== '' && !/^\//.test(input.value);
    if (isSpeaking && settings.current.typing === 'on') chat.typing(shownRoom);
    commands.clear();
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
    setText(error, i18n.text('paste_cut'));
  }

  function post() {
    const content = input.value.trim();
    if (!hasVisible(content)) return;
    const max = store.state.limits.content_chars;
    if (written > max) return setText(error, i18n.text('message_too_long', { count: overBy(content, max) }));
    const room = shownRoom;
    let isHeld = false;
    const isDone = commands.take(content, (text) => {
      isHeld = isHeldBack(store.state, room, now());
      if (isHeld) return held.say();
      chat.post(room, text);
      return empty(room);
    });
    if (isDone && !isHeld) empty(room);
    return undefined;
  }

  function empty(room) {
    // Leaving by a command has put it aside already.
    if (room === null || !store.state.rooms.has(room)) return;
    chat.keepDraft(room, '');
    if (room !== shownRoom) return;
    input.value = '';
    updateInput();
  }

  const overBy = (text, max) => graphemesOver(text.normalize('NFC'), max);

  // Ctrl+Enter sends always; Enter alone where it is set so and a keyboard has Shift for a new line.
  function sends({ ctrlKey, metaKey }) {
    return ctrlKey || metaKey || (settings.current.send_key === 'enter' && !isTouch);
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
    if (count.hidden) return;
    setText(count, written > max
      ? i18n.text('characters_over', { count: overBy(input.value.trim(), max) })
      : i18n.text('characters_left', { percent: i18n.format.percent(written / max) }));
  }

  return {
    update(state) {
      held.update(state);
      if (state.active !== shownRoom) {
        shownRoom = state.active;
        input.value = shownRoom === null ? '' : chat.draft(shownRoom).slice(0, state.limits.content_chars * MOST);
        setText(error, '');
        commands.clear();
        updateInput();
      }
      updateCount(state.limits.content_chars);
    },
    // On a phone the focus would bring up the keyboard unasked.
    focus: () => isTouch || input.focus(),
    /** A letter typed where nothing takes it belongs here. */
    take: () => input.focus(),
  };
}

// Safari ends the composition before it reports the Enter that ended it; its keyCode is 229 then.
function isComposing(event) {
  return event.isComposing || event.keyCode === 229;
}
