// Our identity as the server sees it, the limits that it sets, and the people that we ignore.

import { isTurnedAway } from '../connection.js';

// A later server may know more of them.
const ROLES = new Set(['guest', 'member', 'moderator', 'admin']);

export const identity = {
  initial: {
    // {userId, username, role, userIds} as the server last said, and our ids of before.
    me: null,
    limits: { room_name_chars: 64, username_chars: 32, content_chars: 4000 },
    // Of the browser client's files on the node that we speak to.
    build: null,
    // Why the server turned us away; the page in front says so.
    refusedEntry: null,
    // The ids of people whose messages are neither shown nor counted.
    ignored: new Set(),
  },
  events: {
    identified(state, { userId, username, role: named = 'guest' }) {
      const role = ROLES.has(named) ? named : 'member';
      // A server that forgot us gives us another id; what we said before is still ours.
      const former = state.me?.username === username ? state.me.userIds.filter((id) => id !== userId) : [];
      return { ...state, me: { userId, username, role, userIds: [userId, ...former] } };
    },
    status: (state, { status }) => (isTurnedAway(status) ? { ...state, refusedEntry: status.reason } : state),
    entry_form_chosen: withoutRefusal,
    form_sent: withoutRefusal,
    signed_out: (state) => ({ ...state, refusedEntry: 'signed_out_everywhere' }),
    room_opened: withoutRefusal,
    people_ignored: (state, { userIds }) => ({ ...state, ignored: new Set(userIds) }),
  },
  frames: {
    welcome: (state, { limits, build }) => ({ ...state, build: build ?? null, limits: { ...state.limits, ...limits } }),
  },
};

function withoutRefusal(state) {
  return { ...state, refusedEntry: null };
}

/** Whether somebody has an account, and not just a name. */
export function hasAccount(me) {
  return me !== null && me.role !== 'guest';
}

/** Whether there is a line for somebody with an account. */
export function isOnline({ connection, me }) {
  return connection.phase === 'online' && hasAccount(me);
}

const MODERATING = new Set(['moderator', 'admin']);

export function isModerator(me) {
  return MODERATING.has(me?.role);
}
