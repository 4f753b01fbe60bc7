// Over the composer: the message that one answers or edits.

import { beginningOf } from '../../state/timeline/changes.js';
import { byId, setAttribute, setText } from '../lib/markup.js';

/** `{reply(row), edit(row), cancel(), current, onChange, update}`; `current()` is null or {kind: 'reply' | 'edit', room, message}. */
export function context({ i18n, store }) {
  const box = byId('composer-context');
  let current = null;
  let tell = () => {};
  byId('composer-context-cancel').addEventListener('click', () => set(null));

  function set(next) {
    const before = current;
    current = next;
    draw();
    tell(next, before);
  }

  function start(kind, { seq, user_id, username, content }) {
    set({ kind, room: store.state.active, message: { seq, user_id, username, content } });
  }

  function draw() {
    box.hidden = current === null;
    if (current === null) return;
    const { kind, message: { username, content } } = current;
    setText(byId('composer-context-title'), kind === 'edit' ? i18n.text('editing') : i18n.text('replying_to', { name: username }));
    setText(byId('composer-context-text'), kind === 'edit' ? '' : beginningOf(content) || i18n.text('quotation_files'));
    setAttribute(byId('composer-context-cancel'), 'aria-label', i18n.text(kind === 'edit' ? 'cancel_edit' : 'cancel_reply'));
  }

  return {
    reply: (row) => start('reply', row),
    edit: (row) => start('edit', row),
    cancel: () => current !== null && set(null),
    current: () => current,
    /** `listener(current, before)` is called after each change. */
    onChange: (listener) => { tell = listener; },
    update(state) {
      if (current !== null && state.active !== current.room) set(null);
      else draw();
    },
  };
}

/** The answered message as the outbox keeps it, or null. */
export function replyOf(current) {
  return current?.kind === 'reply' ? { ...current.message, content: beginningOf(current.message.content) } : null;
}
