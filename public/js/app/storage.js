// Everything that outlives the page. Any access may fail (private windows, full disks); the value is then not kept,
// and the chat goes on.

import { isKeptItem, keptItem } from '../state/outbox/items.js';
import { asAccount, asAccess, asDraft, asHistory, asIdentities, asName, asPreferences, asRooms, asTab, asTexts } from './kept.js';

const OUTBOX_PREFIX = 'adda.outbox.';
// A family's names on one computer; two tabs may speak as two of them.
const IDENTITIES_KEPT = 8;
const ROOMS_PREFIX = 'adda.rooms.';
const DRAFT_PREFIX = 'adda.drafts.';
const HISTORY_PREFIX = 'adda.history.';
const MY_ROOMS_PREFIX = 'adda.my_rooms.';
const ACCOUNT = 'adda.account';
// A server lets a session into 128 rooms; nobody reads so many.
const ROOMS_KEPT = 50;

/**
 * `local()` outlives the tab (localStorage), `session()` only a reload (sessionStorage); functions,
 * because a browser may refuse even to name them.
 */
export function createStorage({ local, session }) {
  const identities = () => asIdentities(read(local, 'adda.identities'));
  const roomsOf = (username) => asTexts(read(local, ROOMS_PREFIX + username));
  const draftKey = (username, room) => DRAFT_PREFIX + JSON.stringify([username, room]);

  return {
    /** The name of the last time. */
    name: () => identities()[0]?.username ?? '',
    /** The token that proves to the server that `username` is the same user as before. */
    tokenOf: (username) => identities().find((identity) => identity.username === username)?.token,
    /** The name of the last visit, unless it has signed out: a new tab need not ask for the name. */
    signedIn: () => asName(read(local, 'adda.signed_in')),
    /** Another tab may go by another name, and stays as it is. */
    signOut(username) {
      for (const key of ['adda.signed_in', ACCOUNT]) if (asName(read(local, key)) === username) write(local, key, null);
    },
    /** {userId, username, role} of the account that this browser is signed in with, or null. The proof is a cookie that no script can read. */
    account: () => asAccount(read(local, ACCOUNT)),
    /** `at` is the time: another value each time, so that other tabs are told. */
    keepAccount({ userId, username, role, at }) {
      write(local, 'adda.signed_in', { username });
      write(local, ACCOUNT, { userId, username, role, at });
    },
    /** How the server let people in when it was last asked, or null. */
    access: () => asAccess(read(local, 'adda.access')),
    keepAccess: (access) => write(local, 'adda.access', access),
    isAccountKey: (key) => key === ACCOUNT,
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
    preferences: () => asPreferences(read(local, 'adda.preferences')),
    keepPreferences: (preferences) => write(local, 'adda.preferences', preferences),

    /** The private rooms and conversations of an account: their names, and no words. */
    myRooms: (userId) => asRooms(read(local, MY_ROOMS_PREFIX + userId)),
    keepMyRooms: (userId, rooms) => write(local, MY_ROOMS_PREFIX + userId, asRooms(rooms).map(({ id, title, with: other, owner }) => ({ id, title, with: other, owner }))),

    /** The emoji that were chosen lately, the last one first. */
    recentEmoji: () => asTexts(read(local, 'adda.emoji')),
    keepRecentEmoji: (emoji) => write(local, 'adda.emoji', emoji),

    /** {username, rooms, hasAccount} of this tab, the room on screen first; null when the tab has not entered. */
    tab: () => asTab(read(session, 'adda.tab')),
    keepTab: (tab) => write(session, 'adda.tab', tab),

    /** The draft of `username` in a room, {text, reply}: this tab's, else that of the tab that wrote last. */
    draft(username, room) {
      const drafts = [session, local].map((area) => asDraft(read(area, draftKey(username, room))));
      return drafts.find((draft) => draft !== null) ?? asDraft('');
    },
    /** `reply` is the message that it answers, or null. */
    keepDraft(username, room, text, reply) {
      const draft = reply ? { text, reply } : text;
      // An empty one is kept for the tab, lest another tab's come up in it.
      write(session, draftKey(username, room), draft);
      write(local, draftKey(username, room), draft || null);
    },
    /** The next person at this computer must not find what was written and read. */
    forgetWords(username) {
      write(local, HISTORY_PREFIX + username, null);
      const start = `${JSON.stringify([username]).slice(0, -1)},`;
      for (const area of [session, local]) {
        for (const key of keysOf(area)) if (key.startsWith(DRAFT_PREFIX + start)) write(area, key, null);
      }
    },

    /** The last messages of the rooms that `username` opened lately. */
    history: (username) => asHistory(read(local, HISTORY_PREFIX + username)),
    keepHistory: (username, history) => write(local, HISTORY_PREFIX + username, history),

    /** The unconfirmed messages of `username`, oldest first, each with the `tab` that sends it. */
    outboxOf(username) {
      const keys = keysOf(local).filter((key) => key.startsWith(OUTBOX_PREFIX));
      const items = keys.map((key) => read(local, key)).filter((item) => isKeptItem(item) && item.username === username);
      return items.sort((one, other) => one.createdAt - other.createdAt);
    },
    /** Kept items are of `tab` from now on. */
    claimItems(items, tab) {
      for (const item of items) if (item.tab !== tab) write(local, OUTBOX_PREFIX + item.nonce, { ...item, tab });
    },
    forgetItem: (nonce) => write(local, OUTBOX_PREFIX + nonce, null),
    /** The nonce of the item that a key is for, or null. */
    nonceOf: (key) => (key?.startsWith(OUTBOX_PREFIX) ? key.slice(OUTBOX_PREFIX.length) : null),
    /** A key for each item, with the tab that sends it, so that two tabs never write over each other's. */
    keepOutbox(outbox, previous, tab) {
      const kept = new Map(previous.map((item) => [item.nonce, item]));
      // An acked change waits for its echo only.
      for (const item of outbox.filter(({ state }) => state !== 'acked')) {
        if (kept.get(item.nonce) !== item) write(local, OUTBOX_PREFIX + item.nonce, { ...keptItem(item), tab });
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
