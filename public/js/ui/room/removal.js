// A moderator has taken us out of the room on screen: it is said, and the way back is offered.

import { activeRoom } from '../../state/chat.js';
import { byId, setText } from '../lib/markup.js';

const REMOVED = new Set(['kicked', 'removed']);

export function removal({ i18n, chat, store }) {
  const box = byId('removal');
  byId('removal-enter').addEventListener('click', () => {
    chat.openRoom(store.state.active);
    byId('timeline').focus({ preventScroll: true });
  });

  return {
    update(state) {
      const refusal = activeRoom(state)?.refusal;
      const isRemoved = REMOVED.has(refusal);
      box.hidden = !isRemoved;
      setText(byId('removal-text'), isRemoved ? i18n.text(refusal === 'kicked' ? 'removed_kicked' : 'removed_other') : '');
    },
  };
}
