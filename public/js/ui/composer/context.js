// Over the composer: the message that one answers or edits, in each room another one.

import { beginningOf } from '../../state/timeline/changes.js';
import { byId, setAttribute, setText } from '../lib/markup.js';

/** In the room on screen; `current()` is null or {kind: 'reply' | 'edit', message, text}, where `text` is what an edit has come to. */
export function context({ i18n, store, chat, redraw }) {
  const box = byId('composer-context');
  const contexts = new Map();
  // The rooms whose drafts have been asked what they answer.
  const asked = new Set();
  let tell = () => {};
  byId('composer-context-cancel').addEventListener('click', () => set(null));

  const current = () => contexts.get(store.state.active) ?? null;

  function set(next) {
    const before = current();
    if (next === null) contexts.delete(store.state.active);
    else contexts.set(store.state.active, next);
    redraw();
    tell(next, before);
  }

  function start(kind, { seq, user_id, username, content }) {
    set({ kind, message: { seq, user_id, username, content }, text: content });
  }

  function restore(room) {
    if (room === null || asked.has(room)) return;
    asked.add(room);
    const { reply } = chat.draft(room);
    if (reply) contexts.set(room, { kind: 'reply', message: reply, text: reply.content });
  }

  function update({ rooms, active }) {
    for (const of of [contexts, asked]) for (const room of of.keys()) if (!rooms.has(room)) of.delete(room);
    restore(active);
    box.hidden = current() === null;
    if (box.hidden) return;
    const { kind, message: { username, content } } = current();
    setText(byId('composer-context-title'), kind === 'edit' ? i18n.text('editing') : i18n.text('replying_to', { name: username }));
    setText(byId('composer-context-text'), kind === 'edit' ? '' : beginningOf(content) || i18n.text('quotation_files'));
    setAttribute(byId('composer-context-cancel'), 'aria-label', i18n.text(kind === 'edit' ? 'cancel_edit' : 'cancel_reply'));
  }

  return {
    reply: (row) => start('reply', row),
    edit: (row) => start('edit', row),
    cancel: () => current() !== null && set(null),
    current,
    /** Keeps what an edit has come to. */
    keep: (text) => contexts.set(store.state.active, { ...current(), text }),
    /** Whether nothing is answered or edited in any room. */
    isEmpty: () => contexts.size === 0,
    /** `listener(current, before)` is called after each change. */
    onChange: (listener) => { tell = listener; },
    update,
  };
}

/** The answered message as the outbox keeps it, or null. */
export function replyOf(current) {
  return current?.kind === 'reply' ? { ...current.message, content: beginningOf(current.message.content) } : null;
}
