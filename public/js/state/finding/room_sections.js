// The room list: one's own rooms and conversations by their last message, then the others, the busiest first.

import { lastAt, marksOf, titleOf } from '../rooms/my_rooms.js';
import { peopleIn } from '../rooms/room.js';

/** `{ours, others}`, each of {key, name, title, count, unread, mentions, isActive}. */
export function roomSections(state, compare) {
  const byName = (one, other) => compare(one.name, other.name);
  const ids = new Set([...state.rooms.keys(), ...state.myRooms.keys()]);
  const ours = [...ids].map((id) => ({ key: id, name: id, count: state.rooms.has(id) ? peopleIn(state.rooms.get(id)) : 0, ...marksOf(state, id), title: titleOf(state, id),
    isActive: id === state.active, at: lastAt(state, id) }));
  const others = state.roomDirectory.rooms
    .filter(({ id }) => !ids.has(id))
    .map(({ id, name, client_count }) => ({ key: id, name, count: client_count, unread: 0, mentions: 0, title: null, isActive: false }));
  const byTime = (one, other) => other.at - one.at || byName(one, other);
  return { ours: ours.sort(byTime).map(({ at: _at, ...row }) => row), others: others.sort((one, other) => other.count - one.count || byName(one, other)) };
}

/** `rows` in the places they had before: nothing may move under a finger. New rows come last. */
export function inPlace(rows, keysBefore) {
  const places = new Map(keysBefore.map((key, place) => [key, place]));
  const placeOf = ({ key }) => places.get(key) ?? keysBefore.length;
  return [...rows].sort((one, other) => placeOf(one) - placeOf(other));
}
