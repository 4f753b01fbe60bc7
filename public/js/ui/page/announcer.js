// Tells screen readers of live messages of others, and of nothing else: history, one's own
// messages and redrawn rows are silent.

import { activeRoom } from '../../state/chat.js';
import { isIgnored } from '../../state/settings/settings.js';
import { actionOf, spokenText } from '../../state/text/actions.js';
import { byId } from '../lib/markup.js';

// More than a voice can read in the time becomes a number.
const SPOKEN_AT_ONCE = 3;
const WINDOW_MS = 2_000;
// Long enough to be picked up, short enough that nobody finds old news by browsing.
const KEPT_MS = 10_000;

export function announcer({ i18n, store, settings }) {
  let spoken = 0;
  let waiting = 0;
  let timer = null;

  store.subscribe((state, previous, { type, frame }) => {
    if (type !== 'frame' || frame.type !== 'text' || frame.room_id !== state.active) return;
    if (frame.user_id === state.me?.userId || frame.seq <= activeRoom(previous)?.timeline.head) return;
    if (isIgnored(settings.current, frame.user_id)) return;
    timer ??= setTimeout(endWindow, WINDOW_MS);
    if (spoken < SPOKEN_AT_ONCE) announce(i18n.text('announce_message', { name: frame.username, content: spokenText({ ...frame, content: actionOf(frame.content) ?? frame.content }) }));
    else waiting += 1;
    spoken += 1;
  });

  function endWindow() {
    if (waiting > 0) announce(i18n.text('announce_many', { count: waiting }));
    spoken = 0;
    waiting = 0;
    timer = null;
  }

  function announce(text) {
    const line = document.createElement('p');
    line.textContent = text;
    byId('announcer').append(line);
    setTimeout(() => line.remove(), KEPT_MS);
  }
}
