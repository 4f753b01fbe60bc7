// Below one's own message in a conversation: that the other one has seen it, and so all before it.

import { setText } from '../../lib/markup.js';

export function updateSeen(element, { isSeen }, i18n) {
  const known = element.querySelector('.message__seen');
  if (!isSeen) return known?.remove();
  const mark = known ?? document.createElement('p');
  mark.className = 'message__seen';
  setText(mark, i18n.text('seen'));
  if (!known) element.querySelector('.message__body').append(mark);
  return undefined;
}
