// All messages of a room, read page by page, for those who want to keep them.

const PAGE = 200;
// A page that talks to a busy server waits for its turn.
const PAUSE_MS = 50;

/** Returns `read(room, progress)`: the messages as the server has them now, oldest first; `progress(count)` after each page. */
export function createRoomExport({ api, timers, tokenFor }) {
  const pause = () => new Promise((resolve) => timers.setTimeout(resolve, PAUSE_MS));

  return async function read(room, progress) {
    let all = [];
    let before;
    for (;;) {
      const { data, next } = await api.listMessages(room, { before, limit: PAGE }, tokenFor(room));
      all = [...data, ...all];
      progress(all.length);
      if (next == null || data.length === 0) return all;
      before = next;
      await pause();
    }
  };
}
