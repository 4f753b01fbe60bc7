// Fetches pages of a room's history, one at a time.

import { PAGE_MESSAGES, newerCursor, olderCursor } from '../../state/timeline/pages.js';

export function createPages({ store, api, tokenFor }) {
  async function load(side, room, query) {
    store.dispatch({ type: 'page_asked', room, side });
    try {
      const page = await api.listMessages(room, { ...query, limit: PAGE_MESSAGES }, tokenFor(room));
      store.dispatch({ type: 'page_listed', room, side, page });
    } catch {
      store.dispatch({ type: 'page_failed', room });
    }
  }

  const idleTimeline = (room) => {
    const timeline = store.state.rooms.get(room)?.timeline;
    return timeline && timeline.loading === null ? timeline : null;
  };

  return {
    loadOlder(room) {
      const timeline = idleTimeline(room);
      const before = timeline && olderCursor(timeline);
      return before ? load('older', room, { before }) : undefined;
    },
    loadNewer(room) {
      const timeline = idleTimeline(room);
      if (!timeline?.hasNewer) return undefined;
      const after = newerCursor(timeline);
      return after === null ? load('newest', room, {}) : load('newer', room, { after });
    },
    /** The messages around one of them, in place of what the timeline shows. */
    loadAround(room, seq) {
      return idleTimeline(room) ? load('around', room, { before: seq + Math.ceil(PAGE_MESSAGES / 2) }) : undefined;
    },
    loadNewest: (room) => (idleTimeline(room) ? load('newest', room, {}) : undefined),
  };
}
