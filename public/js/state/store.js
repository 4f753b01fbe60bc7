// Holds the state, changes it through the reducer, and tells its listeners.

/**
 * Listeners get (state, previous, event), after the state has changed. An event that a listener dispatches changes the
 * state at once; the listeners get it after the events before it.
 */
export function createStore(state, reduce) {
  const listeners = [];
  const queue = [];
  let isNotifying = false;

  function notify() {
    if (isNotifying) return;
    isNotifying = true;
    try {
      while (queue.length > 0) {
        const change = queue.shift();
        for (const listener of listeners) listener(...change);
      }
    } finally {
      isNotifying = false;
    }
  }

  return {
    get state() {
      return state;
    },
    dispatch(event) {
      const previous = state;
      state = reduce(state, event);
      queue.push([state, previous, event]);
      notify();
    },
    subscribe(listener) {
      listeners.push(listener);
    },
  };
}
