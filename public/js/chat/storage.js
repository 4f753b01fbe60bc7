// What outlives the page. Everything here may fail (private windows, full disks) and then simply
// is not kept; nothing of it may stop the chat.

import { keptItem } from '../state/outbox.js';

const OUTBOX_PREFIX = 'adda.outbox.';

/**
 * `local()` outlives the tab (localStorage), `session()` only a reload (sessionStorage); functions,
 * because a browser may refuse even to name them.
 */
export function createStorage({ local, session }) {
  return {
    /** {username, token} of the last time. */
    identity: () => read(local, 'adda.identity'),
    keepIdentity: (identity) => write(local, 'adda.identity', identity),

    /** {language, theme} */
    preferences: () => read(local, 'adda.preferences') ?? {},
    keepPreferences: (preferences) => write(local, 'adda.preferences', preferences),

    /** The ids of this tab's rooms, the one on screen first; null when the tab has not entered. */
    rooms: () => read(session, 'adda.rooms'),
    keepRooms: (rooms) => write(session, 'adda.rooms', rooms),

    draft: (room) => read(local, `adda.draft.${room}`) ?? '',
    keepDraft: (room, text) => write(local, `adda.draft.${room}`, text || null),

    outbox() {
      const items = keysOf(local).filter((key) => key.startsWith(OUTBOX_PREFIX));
      return items.map((key) => read(local, key)).filter(Boolean).sort((one, other) => one.createdAt - other.createdAt);
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
