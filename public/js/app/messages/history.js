// The last messages of the rooms opened lately, kept for the next visit: it begins with them, with or
// without a network, and asks the server only for what followed.

import { isKeptTimeline, keptTimeline } from '../../state/timeline/kept_timeline.js';

const ROOMS_KEPT = 5;

export function createHistory({ store, storage, clock }) {
  let kept = new Map();

  return {
    /** From now on `of` answers with the kept timelines of `username`. */
    open(username) {
      const { savedAt, rooms } = storage.history(username);
      kept = new Map(rooms.filter(isKeptTimeline).map((timeline) => [timeline.room, timeline]));
      if (kept.size > 0) store.dispatch({ type: 'history_opened', savedAt });
    },
    of: (room) => kept.get(room),
    /** Called when the page goes out of sight: writing at each message would cost more than it is worth. */
    keep(username) {
      const { rooms, active } = store.state;
      const inOrder = [...rooms.values()].sort((one, other) => (other.id === active) - (one.id === active));
      const timelines = inOrder.map(keptTimeline).filter((timeline) => timeline !== null);
      storage.keepHistory(username, { savedAt: clock(), rooms: timelines.slice(0, ROOMS_KEPT) });
    },
  };
}
