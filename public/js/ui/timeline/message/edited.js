// Beside a message that was edited: that it was, and when.

import { setText } from '../../lib/markup.js';

export function updateEdited(element, { edited_at: editedAt, deleted }, i18n) {
  const known = element.querySelector('.message__edited');
  if (!editedAt || deleted) return known?.remove();
  const mark = known ?? document.createElement('span');
  const at = Date.parse(editedAt);
  mark.className = 'message__edited';
  mark.title = i18n.text('edited_at', { time: i18n.format.moment(at) });
  setText(mark, i18n.text('edited'));
  if (!known) element.querySelector('.message__menu').before(mark);
  return undefined;
}
