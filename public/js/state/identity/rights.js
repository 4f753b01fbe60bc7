// Which orders of moderation a role may give; the server has the last word.

import { isModerator } from './identity.js';

// A ban holds in all rooms, so it is more than a moderator's concern.
const OF_ADMINS = new Set(['ban', 'unban']);

/** `order` is 'kick', 'mute', 'unmute', 'lock', 'unlock', 'ban', 'unban' or 'audit'. */
export function mayOrder(me, order) {
  return OF_ADMINS.has(order) ? me?.role === 'admin' : isModerator(me);
}

/** The people that an order can be about: the members of a room and the writers of its messages, without ourselves. */
export function peopleOf(room, me) {
  const speakers = room.timeline.entries.filter(({ kind }) => kind === 'message');
  const people = new Map([...speakers, ...room.members].map(({ user_id, username }) => [user_id, { user_id, username }]));
  for (const id of me?.userIds ?? []) people.delete(id);
  return [...people.values()];
}

/** The people that a message in a room can mention: those who are there, its writers, and the members of a private room. */
export function mentionable({ rooms, memberships, me }, id) {
  const here = rooms.has(id) ? [...rooms.get(id).members].filter(({ user_id: userId }) => !me?.userIds.includes(userId)) : [];
  const others = rooms.has(id) ? peopleOf(rooms.get(id), me) : [];
  const members = (memberships.get(id)?.people ?? []).filter(({ user_id: userId }) => !me?.userIds.includes(userId));
  return [...new Map([...here, ...members, ...others].map(({ user_id, username }) => [user_id, { user_id, username }])).values()];
}
