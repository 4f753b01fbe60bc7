// Holds the state, changes it through the reducer, tells who listens.

/** Listeners get (state, previous, event), after the state has changed. */
export function createStore(state, reduce) {
  const listeners = [];
  return {
    get state() {
      return state;
    },
    dispatch(event) {
      const previous = state;
      state = reduce(state, event);
      for (const listener of listeners) listener(state, previous, event);
    },
    subscribe(listener) {
      listeners.push(listener);
    },
  };
}
