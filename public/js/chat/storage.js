// What outlives the page. Everything here may fail (private windows, full disks) and then simply
// is not kept; nothing of it may stop the chat.

import { keptItem } from '../state/outbox.js';

const OUTBOX_PREFIX = 'adda.outbox.';
// A family's names on one computer; two tabs may speak as two of them.
const IDENTITIES_KEPT = 8;

/**
 * `local()` outlives the tab (localStorage), `session()` only a reload (sessionStorage); functions,
 * because a browser may refuse even to name them.
 */
export function createStorage({ local, session }) {
  const identities = () => read(local, 'adda.identities') ?? [];

  return {
    /** The name of the last time. */
    name: () => identities()[0]?.username ?? '',
    /** What proves to the server that `username` is who it was before. */
    tokenOf: (username) => identities().find((identity) => identity.username === username)?.token,
    keepIdentity(identity) {
      const others = identities().filter(({ username }) => username !== identity.username);
      write(local, 'adda.identities', [identity, ...others].slice(0, IDENTITIES_KEPT));
    },

    /** {language, theme} */
    preferences: () => read(local, 'adda.preferences') ?? {},
    keepPreferences: (preferences) => write(local, 'adda.preferences', preferences),

    /** {username, rooms} of this tab, the room on screen first; null when the tab has not entered. */
    tab: () => read(session, 'adda.tab'),
    keepTab: (tab) => write(session, 'adda.tab', tab),

    draft: (room) => read(local, `adda.draft.${room}`) ?? '',
    keepDraft: (room, text) => write(local, `adda.draft.${room}`, text || null),

    /** What `username` wrote and nobody confirmed, oldest first. */
    outboxOf(username) {
      const keys = keysOf(local).filter((key) => key.startsWith(OUTBOX_PREFIX));
      const items = keys.map((key) => read(local, key)).filter((item) => item?.username === username);
      return items.sort((one, other) => one.createdAt - other.createdAt);
    },
    /** A key for each item, so that two tabs never write over each other's. */
    keepOutbox(outbox, previous) {
      const kept = new Map(previous.map((item) => [item.nonce, item]));
      for (const item of outbox) {
        if (kept.get(item.nonce) !== item) write(local, OUTBOX_PREFIX + item.nonce, keptItem(item));
        kept.delete(item.nonce);
      }
      for (const nonce of kept.keys()) write(local, OUTBOX_PREFIX + nonce, null);
    },
  };
}

function read(area, key) {
  try {
    return JSON.parse(area().getItem(key));
  } catch {
    return null;
  }
}

function write(area, key, value) {
  try {
    if (value === null) area().removeItem(key);
    else area().setItem(key, JSON.stringify(value));
  } catch {
    // Not kept, see the top of the file.
  }
}

function keysOf(area) {
  try {
    return Array.from({ length: area().length }, (_, index) => area().key(index));
  } catch {
    return [];
  }
}
