// The names of people by their ids, as far as this page has seen them: reactions and records keep ids.

export function namesSeen({ rooms }) {
  const people = [...rooms.values()].flatMap(({ timeline, members }) => [...timeline.entries.filter(({ kind }) => kind === 'message'), ...members]);
  return new Map(people.map(({ user_id: id, username }) => [id, username]));
}

/** Returns `nameOf(userId)`, which looks all through once for each state of the rooms. */
export function createNames(stateOf) {
  let known = { rooms: null, names: new Map() };
  return function nameOf(userId) {
    const state = stateOf();
    if (state.rooms !== known.rooms) known = { rooms: state.rooms, names: namesSeen(state) };
    return known.names.get(userId);
  };
}
