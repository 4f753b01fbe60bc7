// Writing messages, and changing them, as verbs. All of it goes through the outbox.

import { hasVisible, sendable } from '../../state/text/characters.js';
import { newItem } from '../../state/outbox/items.js';

// The server passes on one typing notice per 3 s and user; more would only be thrown away.
const TYPING_EVERY_MS = 3_000;
// As long as the page offers to take a deletion back.
export const UNDO_MS = 5_000;

/** `nameOf()` is the name that this tab goes by, `line()` its transport or null; see createChat for the rest. */
export function createWriting({ store, timers, newNonce, serverNow, nameOf, line, loadNewest }) {
  let typedAt = -Infinity;

  const item = (room, parts) => newItem({ nonce: newNonce(), username: nameOf(), room, content: '', now: serverNow(), ...parts });

  function change(room, kind, ref, parts = {}, content = '') {
    const changed = item(room, { content, change: { kind, ref, ...parts } });
    store.dispatch({ type: 'change_written', item: kind === 'delete' ? { ...changed, state: 'held' } : changed });
    line()?.hurry();
    return changed.nonce;
  }

  return {
    /** `parts` are {reply, mentions, files}, each optional; with files the text may be empty. */
    post(room, text, parts = {}) {
      const content = sendable(text);
      if (!hasVisible(content) && !(parts.files?.length > 0)) return;
      store.dispatch({ type: 'message_written', item: item(room, { content, ...parts }) });
      line().hurry();
      if (store.state.rooms.get(room)?.timeline.hasNewer) loadNewest(room);
    },
    edit(room, seq, text) {
      const content = sendable(text);
      if (hasVisible(content)) change(room, 'edit', seq, {}, content);
    },
    react: (room, seq, emoji, isOn) => void change(room, 'reaction', seq, { emoji, on: isOn }),
    /** Returns the nonce, with which it can be taken back for a moment. */
    remove(room, seq) {
      const nonce = change(room, 'delete', seq);
      timers.setTimeout(() => store.dispatch({ type: 'change_released', nonce }), UNDO_MS);
      return nonce;
    },
    /** Deletions that wait to be taken back are sent at once: their writer leaves the room, or (null) the page. */
    release(room = null) {
      for (const it of store.state.outbox) {
        if (it.state === 'held' && (room === null || it.room === room)) store.dispatch({ type: 'change_released', nonce: it.nonce });
      }
    },
    /** False if the message has been deleted. */
    takeBack(nonce) {
      const isHeld = store.state.outbox.some((it) => it.nonce === nonce && it.state === 'held');
      if (isHeld) store.dispatch({ type: 'message_discarded', nonce });
      return isHeld;
    },
    retry: (nonce) => store.dispatch({ type: 'message_retried', nonce, serverNow: serverNow() }),
    discard: (nonce) => store.dispatch({ type: 'message_discarded', nonce }),
    typing(room) {
      if (timers.now() - typedAt < TYPING_EVERY_MS) return;
      typedAt = timers.now();
      line().typing(room);
    },
  };
}
