// Obstacles to writing: we are muted in a room, a room is locked, or we write too fast. All of it ends.

import { isModerator } from '../identity/identity.js';
import { LOCK_RETRY_MS } from '../outbox/items.js';

// A shorter notice would be gone before it is read.
const SLOW_SHOWN_MS = 2_000;

const NONE = { inRooms: new Map(), slowUntil: null };

export const restrictions = {
  initial: {
    restrictions: NONE, // inRooms: {kind: 'muted' | 'room_locked', until} by room; times are the page's own
  },
  events: {
    // Somebody else has none of ours.
    identified: (state, { userId }) => (state.me === null || state.me.userIds.includes(userId) ? state : { ...state, restrictions: NONE }),
    room_left: (state, { room }) => without(state, room),
    ticked: ended,
  },
  frames: {
    error(state, { code, room_id: room, retry_after_ms: retryAfterMs }, { now }) {
      if (code === 'too_fast') return slowed(state, now + Math.max(retryAfterMs || 0, SLOW_SHOWN_MS));
      if (code === 'muted' && room) return restricted(state, room, { kind: code, until: now + (retryAfterMs || LOCK_RETRY_MS) });
      return code === 'room_locked' && room ? restricted(state, room, { kind: code, until: now + LOCK_RETRY_MS }) : state;
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
  const left = [...inRooms].filter(([, { until }]) => until > now);
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
  return current(state, room, now) !== null;
}

/** The notice over the composer of a room: null, or {kind: 'muted' | 'room_locked' | 'too_fast', seconds}. */
export function noticeFor(state, room, now) {
  const restriction = current(state, room, now);
  const { slowUntil } = state.restrictions;
  if (restriction !== null) return { kind: restriction.kind, seconds: secondsTo(restriction.until, now) };
  return slowUntil !== null && slowUntil > now ? { kind: 'too_fast', seconds: secondsTo(slowUntil, now) } : null;
}

function current(state, room, now) {
  const restriction = state.restrictions.inRooms.get(room);
  if (!restriction || restriction.until <= now) return null;
  // A lock holds for others, also if it came before the role.
  return restriction.kind === 'room_locked' && isModerator(state.me) ? null : restriction;
}

const secondsTo = (until, now) => Math.max(1, Math.ceil((until - now) / 1_000));
