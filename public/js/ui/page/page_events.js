// What the browser tells: network, visibility, focus, and the passing of time.

const TICK_MS = 1_000;

export function pageEvents({ store, chat, directory }) {
  const attend = () => store.dispatch({ type: 'attention_changed', isAttentive: !document.hidden && document.hasFocus() });
  const network = () => store.dispatch({ type: 'network_changed', isNetworkUp: navigator.onLine });

  addEventListener('online', () => {
    network();
    chat.wake();
  });
  addEventListener('offline', network);
  addEventListener('focus', attend);
  addEventListener('blur', attend);
  document.addEventListener('visibilitychange', () => {
    attend();
    if (document.hidden) return;
    chat.wake();
    directory.refresh();
  });
  // Only what is on screen and runs out needs the time: a countdown, somebody writing, a new day.
  let day = new Date().toDateString();
  setInterval(() => {
    const today = new Date().toDateString();
    const isNeeded = isTimely(store.state) || today !== day;
    day = today;
    if (isNeeded) store.dispatch({ type: 'ticked', now: Date.now() });
  }, TICK_MS);
  network();
  attend();
}

function isTimely({ connection, rooms }) {
  return connection.lostAt !== null || [...rooms.values()].some((room) => room.typing.length > 0);
}
