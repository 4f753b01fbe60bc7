// The other tabs of this browser: a lock is held by one of them (Web Locks), a message that one sends reaches all
// others (BroadcastChannel). Pages that are not secure, and old browsers, lack either: then each tab acts as the only one.

const CHANNEL = 'adda';

/** `locks` is `navigator.locks` or null, `BroadcastChannel` the class or null. */
export function createTabs({ locks, BroadcastChannel }) {
  let channel = null;
  let receive = () => {};

  function open() {
    if (!BroadcastChannel || channel) return;
    channel = new BroadcastChannel(CHANNEL);
    channel.onmessage = ({ data }) => receive(data);
  }

  return {
    /** Hold a lock until the function that this returns is called, or the page ends. */
    hold(name) {
      let release = () => {};
      const released = new Promise((resolve) => { release = resolve; });
      locks?.request(name, () => released).catch((error) => warn(error));
      return release;
    },
    /** Call `task(held)` while no other tab is in its task of that name; `held` are the names of all locks that are held. */
    exclusively(name, task) {
      if (!locks) return task(new Set());
      const run = async () => task(new Set((await locks.query()).held.map((lock) => lock.name)));
      return locks.request(name, run).catch((error) => warn(error, () => task(new Set())));
    },
    /** Whether a tab holds that lock. */
    async isHeld(name) {
      if (!locks) return false;
      return locks.query().then(({ held }) => held.some((lock) => lock.name === name), (error) => warn(error, () => false));
    },
    /** Call `task()` once no tab holds that lock any more. Never without locks: then no tab is known to be there. */
    whenReleased(name, task) {
      locks?.request(name, { mode: 'shared' }, () => {}).then(task, warn);
    },
    /** Call `task()` in one of the tabs that ask for this name within `lastsMs`; `timers` as for createChat. */
    once(name, lastsMs, timers, task) {
      if (!locks) return task();
      const run = (lock) => {
        if (lock === null) return undefined;
        task();
        return new Promise((resolve) => timers.setTimeout(resolve, lastsMs));
      };
      return locks.request(name, { ifAvailable: true }, run).catch((error) => warn(error, task));
    },
    send: (message) => channel?.postMessage(message),
    /** `handler(message)` gets what other tabs send. */
    onMessage(handler) {
      receive = handler;
      open();
    },
    /** The page goes away, perhaps to be kept: a channel or a lock might keep it from that. */
    suspend() {
      channel?.close();
      channel = null;
    },
    resume: open,
  };
}

// A browser that has locks and refuses them leaves each tab by itself.
function warn(error, otherwise = () => {}) {
  console.warn('tabs can\'t agree:', error);
  return otherwise();
}
