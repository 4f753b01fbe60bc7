// Fetches pages of a room's history, one at a time.

import { PAGE_MESSAGES, newerCursor, olderCursor, shownExtent } from '../../state/timeline/pages.js';
import { createAsking } from '../asking.js';

// As many as a server gives at once.
const REFRESHED = 200;

export function createPages({ store, api, timers, random, tokenFor }) {
  let asks = 0;
  // Of rooms whose messages may lack changes: what was deleted must not stay on screen.
  const outdated = new Set();
  const refreshing = createAsking({
    timers, random,
    read(room) {
      outdated.delete(room);
      return refresh(room).catch((error) => {
        outdated.add(room);
        throw error;
      });
    },
    // Messages that are not read again before the line is lost are after it.
    isWanted: (room) => store.state.rooms.get(room)?.isJoined,
  });

  store.subscribe((state, previous, { type, frame }) => {
    if (type !== 'frame') return;
    const room = frame.room_id;
    if (isLoss(frame, previous.rooms.get(room))) outdated.add(room);
    else if (frame.type !== 'joined') return;
    if (outdated.has(room)) refreshing.ask(room);
  });

  // Without the last messages' changes proved, all that is shown is read again.
  function isLoss({ type, recovered }, room) {
    if (!room || room.timeline.entries.length === 0) return false;
    return type === 'gap' || type === 'reset' || (type === 'joined' && !recovered && room.timeline.epoch !== null);
  }

  // From the newest message on up to the first one; what is not shown in between is passed over.
  async function refresh(room) {
    let before = Infinity;
    for (;;) {
      const timeline = store.state.rooms.get(room)?.timeline;
      const extent = timeline ? shownExtent(timeline, before, REFRESHED) : null;
      if (!extent) return;
      const page = await api.listMessages(room, extent, tokenFor(room));
      store.dispatch({ type: 'page_refreshed', room, page });
      if (page.data.length === 0) return;
      before = page.data[0].seq;
    }
  }

  async function load(side, room, query) {
    asks += 1;
    const ask = asks;
    store.dispatch({ type: 'page_asked', room, side, ask });
    try {
      const page = await api.listMessages(room, { limit: PAGE_MESSAGES, ...query }, tokenFor(room));
      store.dispatch({ type: 'page_listed', room, side, ask, page });
    } catch {
      store.dispatch({ type: 'page_failed', room, ask });
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
    /** Another page that is under way is of a place that the reader leaves: its answer does not count. */
    loadNewest(room) {
      const timeline = store.state.rooms.get(room)?.timeline;
      return timeline && timeline.loading !== 'newest' ? load('newest', room, {}) : undefined;
    },
  };
}
