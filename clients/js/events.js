// Listeners by the name of an event.

export function createEvents() {
  const listeners = new Map();

  return {
    /** Returns a function that ends it. */
    on(name, listener) {
      if (!listeners.has(name)) listeners.set(name, new Set());
      listeners.get(name).add(listener);
      return () => void listeners.get(name).delete(listener);
    },
    // A listener that throws keeps neither the others nor the next messages from theirs; its error is reported as any uncaught one.
    emit(name, event) {
      for (const listener of [...(listeners.get(name) ?? [])]) {
        try {
          listener(event);
        } catch (error) {
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    },
  };
}
