// Over the composer: why nothing can be sent now, and for how long.

import { noticeFor } from '../../state/rooms/restrictions.js';
import { byId, setText } from '../lib/markup.js';

/** Returns `say()` beside the view's `update`: a voice says it once more. */
export function heldLine({ i18n, store, now }) {
  const line = byId('composer-held');
  const status = byId('composer-held-status');
  let shown = null;

  const textOf = ({ kind, seconds = 0 }) => i18n.text(`held_${kind}`, { time: i18n.format.duration(seconds) });

  function update(state) {
    const notice = noticeFor(state, state.active, now());
    const key = notice && `${state.active} ${notice.kind}`;
    line.hidden = notice === null;
    setText(line, notice === null ? '' : textOf(notice));
    // A voice gets it when it begins and when it ends, not every second.
    if (key === shown) return;
    const isOver = notice === null && state.active !== null && shown?.startsWith(`${state.active} `) && !shown.endsWith('too_fast');
    setText(status, notice === null ? (isOver ? i18n.text('held_over') : '') : textOf(notice));
    shown = key;
  }

  return {
    update,
    say() {
      setText(status, '');
      shown = null;
      requestAnimationFrame(() => update(store.state));
    },
  };
}
