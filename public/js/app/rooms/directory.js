// Keeps the lists of rooms and members current while the page is visible. Inside, the server sends the occupied rooms,
// and notices tell the members. REST answers on the join page, when somebody comes to look, and for a large room's members.

import { createAsking } from '../asking.js';

// A list that is younger than this is not asked for again.
const ROOMS_FRESH_MS = 5_000;
const MEMBERS_EVERY_MS = 15_000;
// The pages of a room notice at the same moment that their lists are not whole.
const MEMBERS_SPREAD_MS = 3_000;
const MEMBERS_SEARCHED = 1_000;
const ROOMS_SHOWN = 200;
const ROOMS_FOUND = 20;

export function createDirectory({ store, api, chat, timers, random, isWatched }) {
  let roomsAskedAt = -Infinity;
  const rooms = createAsking({ timers, random, read: readRooms, isWanted: () => store.state.active === null && isWatched() });
  let isAsking = false;
  let soon = null;
  const membersAskedAt = new Map();

  store.subscribe((state, previous) => {
    if ((state.active === null) !== (previous.active === null)) refresh();
  });

  /** Somebody came to look, or went away. Between two calls an idle page asks nothing. */
  function refresh() {
    const isInside = store.state.active !== null;
    chat.watchRooms(isInside && isWatched());
    if (!isInside && timers.now() - roomsAskedAt >= ROOMS_FRESH_MS) rooms.ask();
  }

  // A failure is no answer: the list stays as it was rather than turning empty.
  async function readRooms() {
    roomsAskedAt = timers.now();
    store.dispatch({ type: 'directory_listed', page: await api.listRooms({ limit: ROOMS_SHOWN }) });
  }

  /** The people of the room on screen from the first on, or those after the ones that are known ('next'), many of them for a search ('all'). */
  async function askMembers(from) {
    const room = store.state.rooms.get(store.state.active);
    const cursor = from === 'first' ? undefined : room?.nextMembers;
    if (!room?.isJoined || room.isWhole || isAsking || cursor === null || (cursor === undefined && !isDue(room.id))) return;
    isAsking = true;
    const limit = from === 'all' ? MEMBERS_SEARCHED : undefined;
    const answer = await api.getRoom(room.id, { cursor, limit }, chat.tokenFor(room.id)).catch(() => null);
    // A server that does not answer is left alone for a while.
    if (!answer) return void timers.setTimeout(() => { isAsking = false; }, MEMBERS_EVERY_MS);
    isAsking = false;
    const page = { members: answer.data.clients, isFirst: cursor === undefined, next: answer.data.next ?? null };
    store.dispatch({ type: 'members_listed', room: room.id, page });
  }

  /** The people of the room on screen, at a time of its own for each page. */
  function askMembersSoon() {
    soon ??= timers.setTimeout(() => {
      soon = null;
      askMembers('first');
    }, random() * MEMBERS_SPREAD_MS);
  }

  function isDue(id) {
    if (timers.now() - (membersAskedAt.get(id) ?? -Infinity) < MEMBERS_EVERY_MS) return false;
    membersAskedAt.set(id, timers.now());
    return true;
  }

  /** Occupied rooms whose names begin so; none if nobody answers: they are suggestions. */
  async function find(prefix) {
    const page = await api.listRooms({ prefix, limit: ROOMS_FOUND }).catch(() => ({ data: [] }));
    return page.data;
  }

  return { start: refresh, refresh, askMembers, askMembersSoon, find };
}
