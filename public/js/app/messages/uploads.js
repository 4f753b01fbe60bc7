// Sends files to the server before the message that carries them, as verbs.

import { FILES_A_MESSAGE, attachmentsIn, takesFiles } from '../../state/outbox/attachments.js';

// A line that several files share carries none of them faster.
const AT_ONCE = 2;

/** `upload` as createUploads gives it, `tokenOf()` proves who we are to REST; `newKey()` is another one each time. */
export function createUploading({ store, upload, tokenOf, newKey }) {
  // The files by key, and the requests that are under way.
  const files = new Map();
  const running = new Map();

  store.subscribe((state, previous) => {
    if (state.attachments === previous.attachments) return;
    const there = new Set(state.attachments.map(({ key }) => key));
    for (const key of files.keys()) if (!there.has(key)) forget(key);
    next();
  });

  function forget(key) {
    files.delete(key);
    running.get(key)?.abort();
    running.delete(key);
  }

  function next() {
    const waiting = store.state.attachments.find(({ key, state }) => state === 'uploading' && files.has(key) && !running.has(key));
    if (!waiting || running.size >= AT_ONCE) return;
    start(waiting);
    next();
  }

  function start({ key, room }) {
    const request = upload(room, files.get(key), { token: tokenOf(), onProgress: (sent) => store.dispatch({ type: 'file_progressed', key, sent }) });
    running.set(key, request);
    const end = (event) => {
      // It may have been taken away meanwhile, or begun anew.
      if (running.get(key) !== request) return;
      running.delete(key);
      store.dispatch({ ...event, key });
    };
    request.done.then((info) => end({ type: 'file_uploaded', info }), (error) => end({ type: 'file_failed', problem: problemOf(error) }));
  }

  const tooBig = (max) => ({ key: 'file_too_big', slots: { bytes: max } });

  return {
    /** Files for the next message of a room; what is too big is refused before it is sent. */
    add(room, list) {
      if (!takesFiles(store.state)) return;
      const max = store.state.limits.file_bytes;
      const left = FILES_A_MESSAGE - attachmentsIn(store.state, room).length;
      for (const file of list.slice(0, Math.max(0, left))) {
        const key = newKey();
        files.set(key, file);
        const problem = file.size > max ? tooBig(max) : null;
        store.dispatch({ type: 'file_added', file: { key, room, name: file.name, type: file.type, size: file.size }, problem });
      }
    },
    retry(key) {
      const file = store.state.attachments.find((it) => it.key === key);
      if (file && file.size <= store.state.limits.file_bytes) store.dispatch({ type: 'file_retried', key });
    },
    remove: (key) => store.dispatch({ type: 'file_removed', key }),
    /** The server's records of the files of a room, which a message takes along: they are no longer attached then. */
    take(room) {
      const taken = attachmentsIn(store.state, room).filter(({ state }) => state === 'done');
      for (const { key } of taken) store.dispatch({ type: 'file_removed', key });
      return taken.map(({ info }) => info);
    },
  };

  function problemOf({ status, code }) {
    if (status === undefined) return { key: 'file_unreached', slots: {} };
    if (status === 413) return tooBig(store.state.limits.file_bytes);
    if (status === 429) return { key: code === 'file_quota_exceeded' ? 'file_quota' : 'file_too_fast', slots: {} };
    if (status === 503) return { key: 'file_too_fast', slots: {} };
    return { key: status === 401 || status === 403 ? 'file_forbidden' : 'file_failed', slots: {} };
  }
}
