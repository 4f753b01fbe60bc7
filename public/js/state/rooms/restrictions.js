// Obstacles to writing: we are muted in a room, a room is locked, or we write too fast. All of it ends.

import { isModerator } from '../identity/identity.js';
import { RULE_RETRY_MS } from '../outbox/items.js';

// A shorter notice would be gone before it is read.
const SLOW_SHOWN_MS = 2_000;

const NONE = { inRooms: new Map(), slowUntil: null };

export const restrictions = {
  initial: {
    // inRooms: {kind: 'muted' | 'room_locked', until, heldUntil} by room. Times are the page's own, and `until` of a lock is null; a
    // try after `heldUntil` shows whether it still holds.
    restrictions: NONE,
  },
  events: {
    // Somebody else has none of ours.
    identified: (state, { userId }) => (state.me === null || state.me.userIds.includes(userId) ? state : { ...state, restrictions: NONE }),
    room_left: (state, { room }) => without(state, room),
    ticked: ended,
  },
  frames: {
    error(state, { code, nonce, room_id: room, retry_after_ms: retryAfterMs }, { now }) {
      // Joins may come too fast as well, and are asked again unseen.
      if (code === 'too_fast' && nonce) return slowed(state, now + Math.max(retryAfterMs || 0, SLOW_SHOWN_MS));
      if ((code !== 'muted' && code !== 'room_locked') || !room) return state;
      const until = code === 'muted' ? now + (retryAfterMs || RULE_RETRY_MS) : null;
      return restricted(state, room, { kind: code, until, heldUntil: Math.min(until ?? Infinity, now + RULE_RETRY_MS) });
    },
    // An accepted message shows that we may write there.
    ack(state, { nonce }) {
      const item = state.outbox.find((it) => it.nonce === nonce);
      return item ? without(state, item.room) : state;
    },
  },
};

function restricted(state, room, restriction) {
  return { ...state, restrictions: { ...state.restrictions, inRooms: new Map([...state.restrictions.inRooms, [room, restriction]]) } };
}

function without(state, room) {
  if (!state.restrictions.inRooms.has(room)) return state;
  const others = [...state.restrictions.inRooms].filter(([id]) => id !== room);
  return { ...state, restrictions: { ...state.restrictions, inRooms: new Map(others) } };
}

function slowed(state, until) {
  return { ...state, restrictions: { ...state.restrictions, slowUntil: until } };
}

function ended(state, { now }) {
  const { inRooms, slowUntil } = state.restrictions;
  const left = [...inRooms].filter(([, { until }]) => until === null || until > now);
  const isSlow = slowUntil !== null && slowUntil > now;
  if (left.length === inRooms.size && isSlow === (slowUntil !== null)) return state;
  return { ...state, restrictions: { inRooms: new Map(left), slowUntil: isSlow ? slowUntil : null } };
}

/** Is there one that ends by time? */
export function isRestricted({ restrictions: { inRooms, slowUntil } }) {
  return inRooms.size > 0 || slowUntil !== null;
}

/** Whether what is written in a room must stay in the composer for now. */
export function isHeldBack(state, room, now) {
  return now < (current(state, room, now)?.heldUntil ?? now);
}

/** The notice over the composer of a room: null, or {kind: 'muted' | 'room_locked' | 'too_fast', seconds?}. */
export function noticeFor(state, room, now) {
  const restriction = current(state, room, now);
  const { slowUntil } = state.restrictions;
  if (restriction !== null) return { kind: restriction.kind, ...(restriction.until === null ? {} : { seconds: secondsTo(restriction.until, now) }) };
  return slowUntil !== null && slowUntil > now ? { kind: 'too_fast', seconds: secondsTo(slowUntil, now) } : null;
}

function current(state, room, now) {
  const restriction = state.restrictions.inRooms.get(room);
  if (!restriction || (restriction.until !== null && restriction.until <= now)) return null;
  // A lock holds for others, also if it came before the role.
  return restriction.kind === 'room_locked' && isModerator(state.me) ? null : restriction;
}

const secondsTo = (until, now) => Math.max(1, Math.ceil((until - now) / 1_000));
