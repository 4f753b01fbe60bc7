// Private rooms and conversations, as verbs, and the list of the rooms that an account is in. The server decides; a verb answers
// {problem: null} with what it made, or {problem} as a text.

import { isOnline } from '../../state/identity/identity.js';
import { isOwner, isPrivate } from '../../state/rooms/my_rooms.js';
import { problemOfOrder } from '../../state/rooms/moderation.js';
import { createAsking } from '../asking.js';

// A list that is younger than this is not asked for again when somebody comes to look.
const FRESH_MS = 30_000;

/** See createChat for the parts. */
export function createMyRooms({ store, storage, api, account, timers, random }) {
  const token = () => account.tokenOf(store.state.me?.userId);
  let askedAt = -Infinity;
  const lists = createAsking({ timers, random, read: readList, isWanted: () => isOnline(store.state) });
  const members = createAsking({ timers, random, read: readMembers, isWanted: (room) => isPrivate(room) && store.state.rooms.get(room)?.isJoined });
  const refresh = () => lists.ask();

  store.subscribe((state, previous, { type, frame }) => {
    if (isOnline(state) && !isOnline(previous)) begin();
    else if (type === 'frame' && isNews(frame, previous)) lists.askSoon();
    else if (state.isAttentive && !previous.isAttentive && timers.now() - askedAt > FRESH_MS) refresh();
    const isOpened = state.active !== previous.active || state.rooms.get(state.active)?.isJoined !== previous.rooms.get(state.active)?.isJoined;
    if (isOpened && state.rooms.get(state.active)?.isJoined) members.ask(state.active);
  });

  function begin() {
    const kept = storage.myRooms(store.state.me.userId);
    if (store.state.myRooms.size === 0 && kept.length > 0) store.dispatch({ type: 'my_rooms_listed', rooms: kept });
    refresh();
  }

  const isNews = (frame, { myRooms }) => frame.type === 'my_rooms_changed' || (frame.type === 'rooms_changed' && frame.rooms === undefined) ||
    (frame.type === 'inbox' && !(myRooms.get(frame.room_id)?.title ?? myRooms.get(frame.room_id)?.with));

  async function readList() {
    askedAt = timers.now();
    const { me: { userId }, myRooms: before } = store.state;
    const answer = await api.listMyRooms(token());
    const rooms = Array.isArray(answer) ? answer : answer?.data;
    // Somebody else may have come in meanwhile.
    if (!Array.isArray(rooms) || store.state.me?.userId !== userId) return;
    store.dispatch({ type: 'my_rooms_listed', rooms, before });
    storage.keepMyRooms(userId, [...store.state.myRooms.values()]);
    if (store.state.memberships.has(store.state.active)) members.ask(store.state.active);
  }

  async function readMembers(room) {
    const answer = await api.listMembership(room, token());
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
    listMembers: members.ask,
    create: (title) => told((it) => api.createRoom(title, it)),
    converse: (userId) => told((it) => api.converse(userId, it)),
    async change(room, changes) {
      const { problem } = await tried((it) => api.changeRoom(room, changes, it));
      if (problem === null) store.dispatch({ type: 'my_room_told', room: { id: room, ...changes } });
      return { problem };
    },
    async add(room, userId) {
      const { problem } = await tried((it) => api.addMember(room, userId, it));
      if (problem === null) await members.ask(room);
      return { problem };
    },
    async remove(room, userId) {
      const { problem } = await tried((it) => api.removeMember(room, userId, it));
      if (problem === null) await members.ask(room);
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
