// Where one writes. Never disabled: what is written without a connection waits in the outbox.

import { hasVisible } from '../../state/text/characters.js';
import { isHeldBack } from '../../state/rooms/restrictions.js';
import { graphemesOver } from '../../state/text/graphemes.js';
import { countCharacters } from '../../state/text/names.js';
import { byId, setText } from '../lib/markup.js';
import { mentionedIn } from '../../state/text/mentions.js';
import { lastEditable } from '../../state/timeline/editable.js';
import { mentionable } from '../../state/identity/rights.js';
import { activeRoom } from '../../state/chat.js';
import { refusalText } from '../room/removal.js';
import { commandLine } from './command_line.js';
import { completions } from './completions.js';
import { replyOf } from './context.js';
import { heldLine } from './held_line.js';

// From here on a writer wants to know how much room is left.
const COUNT_FROM = 0.8;
// More than this many times the limit is never typed: it is pasted, and not taken in whole.
const MOST = 4;

export function composer(page) {
  const { i18n, chat, store, settings, now, today, context, attached } = page;
  const input = byId('composer-input');
  const error = byId('composer-error');
  // Touch keyboards have no Shift+Enter; there Enter is a new line and the button sends.
  const isTouch = matchMedia('(pointer: coarse)').matches;
  input.enterKeyHint = isTouch ? 'enter' : 'send';
  let shownRoom = null;
  let written = 0;
  // The text waits for its files.
  let isAwaitingFiles = false;
  // Before the keys below: Enter takes what the list offers.
  const { named } = completions(page);
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
  input.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || isComposing(event) || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const isDone = (event.key === 'Escape' && context.cancel() !== false) || (event.key === 'ArrowUp' && input.value === '' && editLast());
    if (!isDone) return;
    event.preventDefault();
    event.stopPropagation();
  });
  input.addEventListener('input', () => {
    const isSpeaking = !isEditing() && input.value.trim() !== '' && !/^\//.test(input.value);
    if (isSpeaking && settings.current.typing === 'on') chat.typing(shownRoom);
    commands.clear();
    // A person who writes on is not done.
    isAwaitingFiles = false;
    if (isEditing()) context.keep(input.value);
    else keepDraft(shownRoom, input.value);
    setText(error, '');
    updateInput();
  });
  // The browser takes in no more than `maxLength`, and says nothing.
  input.addEventListener('paste', (event) => {
    const length = event.clipboardData?.getData('text').length ?? 0;
    if (input.value.length + length > input.maxLength) requestAnimationFrame(() => setText(error, i18n.text('paste_cut')));
  });

  // The draft of the room waits while a message is edited.
  context.onChange((current, before) => {
    if (current?.kind === 'edit') input.value = current.message.content;
    else if (shownRoom !== null) {
      if (before?.kind === 'edit') input.value = chat.draft(shownRoom).text;
      keepDraft(shownRoom, input.value);
    }
    updateInput();
    if (current !== null || document.activeElement === document.body) input.focus();
    input.setSelectionRange(input.value.length, input.value.length);
  });

  const keepDraft = (room, text) => chat.keepDraft(room, text, room === shownRoom ? replyOf(context.current()) : null);
  const isEditing = () => context.current()?.kind === 'edit';

  function editLast() {
    const room = activeRoom(store.state);
    const last = room && lastEditable(store.state, room, today());
    if (last) context.edit(last);
    return last !== undefined && last !== null;
  }

  function post() {
    const content = input.value.trim();
    const readiness = isEditing() ? 'none' : attached.readiness(shownRoom);
    if (!hasVisible(content) && readiness === 'none') return;
    isAwaitingFiles = readiness === 'uploading';
    if (isAwaitingFiles || readiness === 'failed') return setText(error, i18n.text(isAwaitingFiles ? 'files_awaited' : 'files_failed'));
    const max = store.state.limits.content_chars;
    if (written > max) return setText(error, i18n.text('message_too_long', { count: overBy(content, max) }));
    const room = shownRoom;
    if (isEditing()) return isRefused(room) || saveEdit(room, content);
    let isHeld = false;
    const take = readiness === 'none' ? commands.take : (text, send) => send(text) || true;
    const isDone = take(content, (text) => {
      isHeld = isRefused(room);
      if (isHeld) return undefined;
      isHeld = isHeldBack(store.state, room, now());
      if (isHeld) return held.say();
      chat.post(room, text, { files: attached.take(room), reply: replyOf(context.current()), mentions: mentionedIn(text, mentionable(store.state, room), named()) });
      context.cancel();
      return empty(room);
    });
    if (isDone && !isHeld) empty(room);
    return undefined;
  }

  // A room that does not let us in would let a message wait for long: it stays in the field.
  function isRefused(room) {
    const refusal = store.state.rooms.get(room)?.refusal ?? null;
    if (refusal !== null) setText(error, refusalText(i18n, refusal));
    return refusal !== null;
  }

  function goOn() {
    isAwaitingFiles = false;
    setText(error, '');
    if (attached.readiness(shownRoom) === 'done') post();
  }

  function saveEdit(room, content) {
    const { message } = context.current();
    if (content !== message.content) chat.edit(room, message.seq, content);
    context.cancel();
  }

  function empty(room) {
    // Leaving by a command has put it aside already.
    if (room === null || !store.state.rooms.has(room)) return;
    keepDraft(room, '');
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
      context.update(state);
      if (state.active === shownRoom && isAwaitingFiles && !isEditing() && attached.readiness(shownRoom) !== 'uploading') goOn();
      if (state.active !== shownRoom) {
        shownRoom = state.active;
        isAwaitingFiles = false;
        input.value = isEditing() ? context.current().text : (shownRoom === null ? '' : chat.draft(shownRoom).text.slice(0, state.limits.content_chars * MOST));
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
