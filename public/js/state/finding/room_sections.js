// The room list: one's own rooms by name, then the others, the busiest first.

import { peopleIn } from '../rooms/room.js';

/** `{ours, others}`, each of {key, name, count, unread, isActive}. */
export function roomSections(state, compare) {
  const byName = (one, other) => compare(one.name, other.name);
  const ours = [...state.rooms.values()].map((room) => (
    { key: room.id, name: room.id, count: peopleIn(room), unread: room.unread, isActive: room.id === state.active }));
  const others = state.roomDirectory.rooms
    .filter(({ id }) => !state.rooms.has(id))
    .map(({ id, name, client_count }) => ({ key: id, name, count: client_count, unread: 0, isActive: false }));
  return { ours: ours.sort(byName), others: others.sort((one, other) => other.count - one.count || byName(one, other)) };
}

/** `rows` in the places they had before: nothing may move under a finger. New rows come last. */
export function inPlace(rows, keysBefore) {
  const places = new Map(keysBefore.map((key, place) => [key, place]));
  const placeOf = ({ key }) => places.get(key) ?? keysBefore.length;
  return [...rows].sort((one, other) => placeOf(one) - placeOf(other));
}
