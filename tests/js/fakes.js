// Small real implementations for the tests: a manual clock, sockets with the test as their server, storage in a Map,
// a client with a joined room.

import { createAccount } from '../../public/js/app/account/account.js';
import { createChat } from '../../public/js/app/chat.js';
import { createStorage } from '../../public/js/app/storage.js';
import { createTabs } from '../../public/js/app/tabs/tabs.js';
import { createTransport } from '../../public/js/net/transport.js';
import { initial, reduce } from '../../public/js/state/chat.js';
import { createStore } from '../../public/js/state/store.js';

export class FakeClock {
  time = Date.parse('2026-11-20T08:00:00.000Z');
  #due = new Map();
  #next = 1;

  now = () => this.time;
  setTimeout = (callback, delayMs) => {
    this.#due.set(this.#next, { at: this.time + delayMs, callback });
    return this.#next++;
  };
  clearTimeout = (id) => void this.#due.delete(id);

  get timersSet() {
    return this.#next - 1;
  }

  /** Advances the time by `milliseconds` and calls the due timers in order. */
  advance(milliseconds) {
    const end = this.time + milliseconds;
    for (;;) {
      const [id, timer] = [...this.#due].sort((one, other) => one[1].at - other[1].at)[0] ?? [];
      if (!timer || timer.at > end) break;
      this.#due.delete(id);
      this.time = timer.at;
      timer.callback();
    }
    this.time = end;
  }
}

/** A WebSocket class whose instances are in `sockets`. */
export function fakeSockets() {
  const sockets = [];
  class FakeWebSocket {
    readyState = 0;
    sent = [];
    constructor(url, protocols) {
      Object.assign(this, { url, protocols });
      sockets.push(this);
    }
    send(text) {
      this.sent.push(JSON.parse(text));
    }
    close(code) {
      Object.assign(this, { readyState: 3, closedWith: code });
    }

    // Called by the test, as the server:
    say(frame) {
      this.readyState = 1;
      this.onmessage({ data: JSON.stringify(frame) });
    }
    end(code) {
      this.readyState = 3;
      this.onclose({ code });
    }
    sentOf(type) {
      return this.sent.filter((frame) => frame.type === type);
    }
  }
  return { FakeWebSocket, sockets, last: () => sockets.at(-1) };
}

export function fakeArea(entries = new Map()) {
  return {
    entries,
    get length() {
      return entries.size;
    },
    key: (index) => [...entries.keys()][index],
    getItem: (key) => entries.get(key) ?? null,
    setItem: (key, value) => void entries.set(key, String(value)),
    removeItem: (key) => void entries.delete(key),
  };
}

/** The things that the tabs of a browser share; `tab()` is one of them, `tab.close()` ends it. */
export function fakeBrowser() {
  const channels = new Set();
  const held = new Map();
  const waiting = [];

  function grant() {
    for (const asked of [...waiting]) {
      if (held.has(asked.name)) continue;
      waiting.splice(waiting.indexOf(asked), 1);
      run(asked);
    }
  }

  function run({ name, tab, callback, resolve }) {
    const release = () => held.get(name) === entry && held.delete(name) && grant();
    const entry = { tab, release };
    held.set(name, entry);
    Promise.resolve(callback({ name })).then((value) => {
      release();
      resolve(value);
    });
  }

  function openTab() {
    const tab = { channels: new Set() };
    tab.locks = {
      request(name, ...rest) {
        const callback = rest.at(-1);
        const { ifAvailable = false } = rest.length > 1 ? rest[0] : {};
        if (ifAvailable && held.has(name)) return Promise.resolve(callback(null));
        return new Promise((resolve) => {
          const asked = { name, tab, callback, resolve };
          if (held.has(name)) waiting.push(asked);
          else run(asked);
        });
      },
      query: async () => ({ held: [...held.keys()].map((name) => ({ name })) }),
    };
    tab.BroadcastChannel = class {
      constructor() {
        channels.add(this);
        tab.channels.add(this);
      }
      postMessage(data) {
        for (const other of channels) if (other !== this) other.onmessage({ data: structuredClone(data) });
      }
      close() {
        channels.delete(this);
      }
    };
    tab.close = () => {
      for (const channel of tab.channels) channels.delete(channel);
      waiting.splice(0, waiting.length, ...waiting.filter((asked) => asked.tab !== tab));
      for (const entry of [...held.values()]) if (entry.tab === tab) entry.release();
    };
    return tab;
  }
  return { tab: openTab, held };
}

/** Resolves after all pending promises. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

export const WELCOME = {
  type: 'welcome', connection_id: 'c1', user_id: 'guest-1', username: 'রহিম', node_id: 'n1',
  token: 'token-guest-1', heartbeat_s: 25, limits: { content_chars: 4000 },
};

export function joined(room_id, fields = {}) {
  return { type: 'joined', room_id, epoch: 'e1', seq: 0, recovered: false, messages: [], client_count: 1, members: [], ...fields };
}

export function message(seq, fields = {}) {
  return { id: `m${seq}`, room_id: 'general', user_id: 'u2', username: 'করিম', content: `বার্তা ${seq}`,
    type: 'text', timestamp: '2026-11-20T08:00:00.000Z', seq, ...fields };
}

export const messages = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => message(from + index));

// Unique among all tabs of a test.
let nonces = 0;

/** The accounts of a server: its answers by the name of the call, each a value or an error to throw. */
export function fakeAccounts(answers = {}) {
  const calls = [];
  const names = ['getAccess', 'createAccount', 'logIn', 'setUp', 'logOut', 'getMe', 'changePassword', 'keepSession', 'endSession'];
  const call = (name) => async (...given) => {
    calls.push([name, ...given]);
    const answer = typeof answers[name] === 'function' ? answers[name](...given) : answers[name];
    if (answer instanceof Error) throw answer;
    return answer ?? null;
  };
  return { calls, answers, api: Object.fromEntries(names.map((name) => [name, call(name)])) };
}

/** A client without a page. With the `local` and `session` of an earlier one it is a reload. */
export function fakeClient({ local = fakeArea(), session = fakeArea(), clock = new FakeClock(), pages = {}, browser = {}, accounts = fakeAccounts() } = {}) {
  const net = fakeSockets();
  const store = createStore(initial, reduce);
  const storage = createStorage({ local: () => local, session: () => session });
  const asked = [];
  const api = {
    ...accounts.api,
    async listMessages(room, query) {
      asked.push({ room, ...query });
      return pages.next();
    },
  };
  let asleepMs = 0;
  const account = createAccount({ store, storage, api, timers: clock, random: () => 0.5, clock: () => clock.now() });
  const chat = createChat({
    store, storage, api, account, timers: clock, random: () => 0.5, tabs: createTabs({ locks: null, BroadcastChannel: null, ...browser }), clock: () => clock.now() + asleepMs,
    newNonce: () => `nonce-${(nonces += 1)}`,
    connectTransport: (callbacks) =>
      createTransport({ url: 'ws://test/ws', WebSocket: net.FakeWebSocket, timers: clock, random: () => 0.5, ...callbacks }),
  });
  const sleep = (milliseconds) => { asleepMs += milliseconds; };
  return { chat, account, store, sleep, storage, clock, timers: clock, random: () => 0.5, local, session, asked, socket: net.last, sockets: net.sockets };
}

/** News of the server, and what the page asks for because of it: within 250 ms. */
export async function newsOf(client, frame) {
  client.socket().say(frame);
  client.clock.advance(250);
  await settled();
}

/** The event of the view after it has drawn a room's last rows. */
export function looksAt(client, room, isFollowing = true) {
  client.store.dispatch({ type: 'following_changed', room, isFollowing });
}

/** A client that is in #general. */
export function clientInGeneral(parts) {
  const client = fakeClient(parts);
  client.chat.enter('রহিম', 'general');
  client.socket().say(WELCOME);
  client.socket().say(joined('general'));
  looksAt(client, 'general');
  return client;
}
