// Searches for messages, as verbs: in one room, or in all rooms of an account.

import { problemOfOrder } from '../../state/rooms/moderation.js';

const PAGE = 30;
// The server looks at a part of the log a call: this many calls a time without a result are enough to ask whether to go on.
const CALLS_AT_ONCE = 5;

/** `tokenFor(room)` as of createChat; of all rooms it is asked with null. */
export function createSearch({ store, api, tokenFor }) {
  // Of the search that is shown; an answer to an earlier one is old.
  let current = 0;

  async function run(before) {
    current += 1;
    const own = current;
    let cursor = before;
    try {
      for (let call = 0; call < CALLS_AT_ONCE; call += 1) {
        const page = await ask(cursor);
        if (own !== current) return;
        cursor = page.next ?? null;
        const isEnough = page.data.length > 0 || cursor === null || call + 1 === CALLS_AT_ONCE;
        if (isEnough) return store.dispatch({ type: 'search_found', page });
      }
    } catch (error) {
      if (own === current) store.dispatch({ type: 'search_failed', problem: problemOf(error) });
    }
  }

  function ask(before) {
    const { text, room } = store.state.search;
    const extent = { q: text, before, limit: PAGE };
    return room === null ? api.searchAll(extent, tokenFor(null)) : api.searchRoom(room, extent, tokenFor(room));
  }

  return {
    /** Look for `text` in a room, or (null) in all of one's rooms. */
    begin(text, room) {
      store.dispatch({ type: 'search_begun', text, room });
      return run(null);
    },
    /** Go on where the last call stopped, also if that found nothing. */
    more() {
      const { next, isLoading } = store.state.search;
      if (next === null || isLoading) return undefined;
      store.dispatch({ type: 'search_continued' });
      return run(next);
    },
    clear() {
      current += 1;
      store.dispatch({ type: 'search_cleared' });
    },
  };
}

// A server of a version before has no search.
function problemOf(error) {
  const isMissing = error.status === 404 && error.code !== 'room_not_found';
  return isMissing ? { key: 'search_missing', slots: {} } : problemOfOrder(error);
}
