// Which of the two screens is shown: the way in, or the chat.

import { byId } from '../lib/markup.js';

export function screens() {
  return {
    update(state) {
      const isInside = state.active !== null;
      document.body.dataset.screen = isInside ? 'chat' : 'join';
      byId('join-screen').hidden = isInside;
      byId('chat-screen').hidden = !isInside;
    },
  };
}
