// Our identity as the server sees it, the limits that it sets, and the people that we ignore.

import { isTurnedAway } from './connection.js';

export const identity = {
  initial: {
    me: null, // {userId, username, userIds} as the server last said, and our ids of before
    limits: { room_name_chars: 64, username_chars: 32, content_chars: 4000 },
    build: null, // of the browser client's files on the node that we speak to
    refusedEntry: null, // why the server turned us away; the join form says so
    ignored: new Set(), // the ids of people whose messages are neither shown nor counted
  },
  events: {
    identified(state, { userId, username }) {
      // A server that forgot us gives us another id; what we said before is still ours.
      const former = state.me?.username === username ? state.me.userIds.filter((id) => id !== userId) : [];
      return { ...state, me: { userId, username, userIds: [userId, ...former] } };
    },
    status: (state, { status }) => (isTurnedAway(status) ? { ...state, refusedEntry: status.reason } : state),
    room_opened: (state) => ({ ...state, refusedEntry: null }),
    people_ignored: (state, { userIds }) => ({ ...state, ignored: new Set(userIds) }),
  },
  frames: {
    welcome: (state, { limits, build }) => ({ ...state, build: build ?? null, limits: { ...state.limits, ...limits } }),
  },
};
