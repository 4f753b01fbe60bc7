// A reaction or a deletion that the server refuses is told, and the message is as it was. A refused edit stays at its message.

import { changeFailed } from './message/failure.js';

export function refusedChanges({ i18n, store, chat, tell }) {
  store.subscribe((state, previous, { type, frame }) => {
    if (type !== 'frame' || frame.type !== 'error' || !frame.nonce) return;
    const item = state.outbox.find(({ nonce }) => nonce === frame.nonce);
    if (!item?.change || item.state !== 'failed' || item.change.kind === 'edit') return;
    tell(changeFailed({ kind: item.change.kind, reason: item.reason }, i18n));
    chat.discard(item.nonce);
  });
}
