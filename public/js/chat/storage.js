// What outlives the page. Everything here may fail (private windows, full disks) and then simply
// is not kept; nothing of it may stop the chat.

import { keptItem } from '../state/outbox.js';

const OUTBOX_PREFIX = 'adda.outbox.';
// A family's names on one computer; two tabs may speak as two of them.
const IDENTITIES_KEPT = 8;
const ROOMS_PREFIX = 'adda.rooms.';
// A server lets a session into 128 rooms; nobody reads so many.
const ROOMS_KEPT = 50;

/**
 * `local()` outlives the tab (localStorage), `session()` only a reload (sessionStorage); functions,
 * because a browser may refuse even to name them.
 */
export function createStorage({ local, session }) {
  const identities = () => read(local, 'adda.identities') ?? [];
  const roomsOf = (username) => read(local, ROOMS_PREFIX + username) ?? [];

  return {
    /** The name of the last time. */
    name: () => identities()[0]?.username ?? '',
    /** What proves to the server that `username` is who it was before. */
    tokenOf: (username) => identities().find((identity) => identity.username === username)?.token,
    /** Who used this browser last and has not signed out: a new tab need not ask for the name. */
    signedIn: () => read(local, 'adda.signed_in')?.username ?? null,
    signOut: () => write(local, 'adda.signed_in', null),
    keepIdentity(identity) {
      write(local, 'adda.signed_in', { username: identity.username });
      const others = identities().filter(({ username }) => username !== identity.username);
      write(local, 'adda.identities', [identity, ...others].slice(0, IDENTITIES_KEPT));
    },

    /** The rooms that `username` is in, the one opened last first. */
    roomsOf: (username) => roomsOf(username),
    keepRoom(username, room) {
      const others = roomsOf(username).filter((other) => other !== room);
      write(local, ROOMS_PREFIX + username, [room, ...others].slice(0, ROOMS_KEPT));
    },
    forgetRoom(username, room) {
      const others = roomsOf(username).filter((other) => other !== room);
      write(local, ROOMS_PREFIX + username, others.length > 0 ? others : null);
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
