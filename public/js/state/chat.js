// The whole state of the page and the one function that changes it. No page, no socket: an event
// goes in, the next state comes out, and what did not change stays the same object.

import { clock } from './clock.js';
import { combine } from './combine.js';
import { connection } from './connection.js';
import { entry } from './identity/entry.js';
import { forms } from './identity/forms.js';
import { identity } from './identity/identity.js';
import { attachments } from './outbox/attachments.js';
import { outbox } from './outbox/outbox.js';
import { roomDirectory } from './rooms/directory.js';
import { search } from './finding/search.js';
import { marksOf, myRooms } from './rooms/my_rooms.js';
import { notices } from './identity/notices.js';
import { moderation } from './rooms/moderation.js';
import { restrictions } from './rooms/restrictions.js';
import { rooms } from './rooms/rooms.js';
import { sharing } from './settings/sharing.js';

const chat = combine([clock, connection, identity, entry, forms, rooms, myRooms, roomDirectory, restrictions, moderation, search, notices, sharing, attachments, outbox]);

export const initial = chat.initial;

/** The next state. `event` is {type, …}; an unknown type changes nothing. */
export const reduce = chat.reduce;

export function activeRoom(state) {
  return state.rooms.get(state.active) ?? null;
}

/** `isSilent(room)` is whether somebody wants to be told nothing of a room. */
export function totalUnread(state, isSilent = () => false) {
  const ids = new Set([...state.rooms.keys(), ...state.myRooms.keys()]);
  return [...ids].filter((id) => !isSilent(id)).reduce((sum, id) => sum + marksOf(state, id).unread, 0);
}
