// Notifications of the server to this person, the newest first; not the messages of rooms.

// More than anybody reads again.
const KEPT = 50;

export const notices = {
  // {id, title, content, at, isSeen}
  initial: { notices: [] },
  events: {
    notices_seen: (state) => (state.notices.every(({ isSeen }) => isSeen) ? state : { ...state, notices: state.notices.map((it) => ({ ...it, isSeen: true })) }),
    identified: (state, { userId }) => (state.me === null || state.me.userIds.includes(userId) ? state : { ...state, notices: [] }),
  },
  frames: {
    // By another session of this person, or it was taken back.
    seen: (state, { id }) => (state.notices.some((it) => it.id === id && !it.isSeen) ? { ...state, notices: state.notices.map((it) => (it.id === id ? { ...it, isSeen: true } : it)) } : state),
    notification(state, { id, title, content, timestamp }) {
      if (typeof id !== 'string' || state.notices.some((it) => it.id === id)) return state;
      const notice = { id, title: textOf(title), content: textOf(content), at: Date.parse(timestamp) || 0, isSeen: false };
      return { ...state, notices: [notice, ...state.notices].sort((one, other) => other.at - one.at).slice(0, KEPT) };
    },
  },
};

const textOf = (value) => (typeof value === 'string' ? value : '');

export function unseenNotices({ notices: all }) {
  return all.filter(({ isSeen }) => !isSeen).length;
}
