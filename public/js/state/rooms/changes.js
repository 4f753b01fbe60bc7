// Changes of one room within the whole state: what did not change stays the same object.

import { asRead } from './unread.js';

export function isRead(state, room) {
  return state.active === room.id && state.placed === room.id && state.isAttentive && room.timeline.isFollowing && !room.isHeld;
}

export function read(state) {
  return changedRoom(state, state.active, (room) => (isRead(state, room) ? asRead(room) : room));
}

/** `state` with a room as `change` makes it; the same if there is no such room or nothing changes. */
export function changedRoom(state, id, change) {
  const room = state.rooms.get(id);
  if (!room) return state;
  const next = change(room);
  return next === room ? state : withRoom(state, next);
}

export function withRoom(state, room) {
  return { ...state, rooms: new Map(state.rooms).set(room.id, room) };
}

export function changedTimeline(state, id, change) {
  return changedRoom(state, id, (room) => ({ ...room, timeline: change(room.timeline) }));
}
