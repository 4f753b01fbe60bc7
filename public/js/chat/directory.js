// Keeps the room list and the list of members true while somebody looks: live frames say most,
// REST says the rest (other rooms, second sessions of a user).

const ROOMS_EVERY_MS = 5_000;
// Joins come in bursts; one question after the burst is enough.
const MEMBERS_AFTER_MS = 700;
const ROOMS_SHOWN = 200;

export function createDirectory({ store, api, timers, isWatched }) {
  let roomsTimer = null;
  let membersTimer = null;

  store.subscribe((state) => {
    const room = state.rooms.get(state.active);
    if (room?.isJoined && room.listedFor !== room.clientCount) askMembersSoon();
  });

  async function askRooms() {
    timers.clearTimeout(roomsTimer);
    roomsTimer = timers.setTimeout(askRooms, ROOMS_EVERY_MS);
    if (!isWatched()) return;
    const askedAt = timers.now();
    const page = await api.listRooms({ limit: ROOMS_SHOWN }).catch(() => null);
    // A failure is no answer: the list stays as it was rather than turning empty.
    if (page) store.dispatch({ type: 'directory_listed', page, askedAt });
  }

  function askMembersSoon() {
    membersTimer ??= timers.setTimeout(askMembers, MEMBERS_AFTER_MS);
  }

  async function askMembers() {
    const room = store.state.active;
    const answer = room === null ? null : await api.getRoom(room).catch(() => null);
    membersTimer = null;
    if (answer) store.dispatch({ type: 'members_listed', room, members: answer.data.clients });
  }

  return { start: askRooms, refresh: askRooms };
}
