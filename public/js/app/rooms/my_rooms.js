// Private rooms and conversations, as verbs, and the list of the rooms that an account is in. The server decides; a verb answers
// {problem: null} with what it made, or {problem} as a text.

import { hasAccount } from '../../state/identity/identity.js';
import { isOwner, isPrivate } from '../../state/rooms/my_rooms.js';
import { problemOfOrder } from '../../state/rooms/moderation.js';

// A list that is younger than this is not asked for again when somebody comes to look.
const FRESH_MS = 30_000;

/** See createChat for the parts. */
export function createMyRooms({ store, storage, api, account, timers }) {
  const token = () => account.tokenOf(store.state.me?.userId);
  let askedAt = -Infinity;
  let isAsking = false;
  let isAskedAgain = false;

  store.subscribe((state, previous, { type, frame }) => {
    const isOnline = ({ connection, me }) => connection.phase === 'online' && hasAccount(me);
    if (isOnline(state) && !isOnline(previous)) begin();
    else if (type === 'frame' && isNews(frame, previous)) refresh();
    else if (state.isAttentive && !previous.isAttentive && timers.now() - askedAt > FRESH_MS) refresh();
    const isOpened = state.active !== previous.active || state.rooms.get(state.active)?.isJoined !== previous.rooms.get(state.active)?.isJoined;
    if (isOpened && state.rooms.get(state.active)?.isJoined) listMembers(state.active);
  });

  function begin() {
    const kept = storage.myRooms(store.state.me.userId);
    if (store.state.myRooms.size === 0 && kept.length > 0) store.dispatch({ type: 'my_rooms_listed', rooms: kept });
    refresh();
  }

  const isNews = (frame, { myRooms }) => frame.type === 'my_rooms_changed' || (frame.type === 'rooms_changed' && frame.rooms === undefined) ||
    (frame.type === 'inbox' && !(myRooms.get(frame.room_id)?.title ?? myRooms.get(frame.room_id)?.with));

  async function refresh() {
    if (!hasAccount(store.state.me)) return;
    if (isAsking) {
      isAskedAgain = true;
      return;
    }
    isAsking = true;
    askedAt = timers.now();
    // A failure is no answer: the list stays as it was.
    const answer = await api.listMyRooms(token()).catch(() => null);
    isAsking = false;
    const rooms = Array.isArray(answer) ? answer : (answer?.data ?? null);
    if (Array.isArray(rooms) && store.state.me) {
      store.dispatch({ type: 'my_rooms_listed', rooms });
      storage.keepMyRooms(store.state.me.userId, [...store.state.myRooms.values()]);
      for (const id of store.state.memberships.keys()) if (store.state.active === id) listMembers(id);
    }
    if (!isAskedAgain) return;
    isAskedAgain = false;
    await refresh();
  }

  async function listMembers(room) {
    if (!isPrivate(room)) return;
    const answer = await api.listMembership(room, token()).catch(() => null);
    const { data = answer, owner } = answer ?? {};
    const people = Array.isArray(data) ? data : (data?.members ?? null);
    if (!people) return;
    const owning = people.find((it) => it.is_owner === true || it.owner === true)?.user_id;
    store.dispatch({ type: 'members_told', room, owner: owner?.user_id ?? owner ?? data.owner ?? owning ?? null, people });
  }

  async function tried(request) {
    try {
      return { problem: null, answer: await request(token()) };
    } catch (error) {
      return { problem: problemOfOrder(error), answer: null };
    }
  }

  // The answer names the room, so that the page can call it by its title at once.
  async function told(request) {
    const { problem, answer } = await tried(request);
    if (answer?.id) store.dispatch({ type: 'my_room_told', room: answer });
    return { problem, room: answer?.id ?? null };
  }

  return {
    refresh,
    listMembers,
    create: (title) => told((it) => api.createRoom(title, it)),
    converse: (userId) => told((it) => api.converse(userId, it)),
    async change(room, changes) {
      const { problem } = await tried((it) => api.changeRoom(room, changes, it));
      if (problem === null) store.dispatch({ type: 'my_room_told', room: { id: room, ...changes } });
      return { problem };
    },
    async add(room, userId) {
      const { problem } = await tried((it) => api.addMember(room, userId, it));
      if (problem === null) await listMembers(room);
      return { problem };
    },
    async remove(room, userId) {
      const { problem } = await tried((it) => api.removeMember(room, userId, it));
      if (problem === null) await listMembers(room);
      return { problem };
    },
    /** Leave a private room for good; its owner deletes it. */
    async leave(room) {
      const isOurs = isOwner(store.state, room);
      const { problem } = await tried((it) => (isOurs ? api.deleteRoom(room, it) : api.removeMember(room, store.state.me.userId, it)));
      if (problem === null) store.dispatch({ type: 'my_room_left', room });
      return { problem };
    },
  };
}
