// Events of the browser: network, visibility, focus, and the passing of time.

import { isTimely } from '../../state/connection.js';
import { hasTimelyProblem } from '../../state/identity/forms.js';
import { isRestricted } from '../../state/rooms/restrictions.js';

const TICK_MS = 1_000;

export function pageEvents({ store, chat, directory, now }) {
  const attend = () => store.dispatch({ type: 'attention_changed', isAttentive: !document.hidden && document.hasFocus() });
  const network = () => store.dispatch({ type: 'network_changed', isNetworkUp: navigator.onLine, now: now() });

  addEventListener('online', () => {
    network();
    chat.wake();
  });
  addEventListener('offline', () => {
    network();
    chat.probe();
  });
  // A person who has left the page has left the rooms, though a browser may keep page and socket alive.
  addEventListener('pagehide', () => {
    chat.keepHistory();
    chat.suspend();
  });
  addEventListener('pageshow', (event) => event.persisted && chat.resume());
  addEventListener('focus', () => {
    attend();
    directory.refresh();
    chat.hurry();
  });
  addEventListener('keydown', () => chat.hurry());
  addEventListener('storage', (event) => chat.onStorageChanged(event.key, event.newValue));
  addEventListener('blur', attend);
  document.addEventListener('visibilitychange', () => {
    attend();
    directory.refresh();
    if (document.hidden) chat.keepHistory();
    else chat.wake();
  });
  // Only what is on screen and runs out needs the time: a countdown, somebody writing, a new day.
  let day = new Date().toDateString();
  setInterval(() => {
    const today = new Date().toDateString();
    const isDue = isPassing(store.state) || today !== day;
    day = today;
    if (isDue) store.dispatch({ type: 'ticked', now: now() });
  }, TICK_MS);
  network();
  attend();
}

function isPassing(state) {
  const isTyping = [...state.rooms.values()].some((room) => room.typing.length > 0);
  return isTyping || isTimely(state.connection) || isRestricted(state) || hasTimelyProblem(state);
}
