// Fetches pages of a room's history, one at a time.

import { PAGE_MESSAGES, newerCursor, olderCursor, shownExtent } from '../../state/timeline/pages.js';

// As many as a server gives at once.
const REFRESHED = 200;

export function createPages({ store, api, tokenFor }) {
  // Rooms whose messages may lack changes.
  const outdated = new Set();

  store.subscribe((state, previous, { type, frame }) => {
    if (type === 'frame' && isLoss(frame, previous.rooms.get(frame.room_id))) outdated.add(frame.room_id);
    for (const room of outdated) refresh(room);
  });

  // Without the last messages' changes proved, all that is shown is read again.
  function isLoss({ type, recovered }, room) {
    if (!room || room.timeline.entries.length === 0) return false;
    return type === 'gap' || type === 'reset' || (type === 'joined' && !recovered && room.timeline.epoch !== null);
  }

  function refresh(room) {
    const timeline = idleTimeline(room);
    if (!timeline && store.state.rooms.has(room)) return;
    outdated.delete(room);
    const extent = timeline && shownExtent(timeline, REFRESHED);
    if (extent) load('refreshed', room, extent);
  }

  async function load(side, room, query) {
    store.dispatch({ type: 'page_asked', room, side });
    try {
      const page = await api.listMessages(room, { limit: PAGE_MESSAGES, ...query }, tokenFor(room));
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
