// One message that a search has found: its writer, its time, its room, and the words around the ones that were sought.

import { excerptOf } from '../../state/finding/search.js';
import { cloned, setAttribute, setText } from '../lib/markup.js';
import { addressOf } from '../page/address.js';

/** `lead({room, seq})` is called by a press that no browser takes elsewhere. */
export function createResult({ room_id: room, seq }, { i18n }, lead) {
  const item = cloned('search-result-template', i18n);
  const link = item.querySelector('a');
  link.href = addressOf(room, seq);
  link.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    lead({ room, seq });
  });
  return item;
}

export function updateResult(item, message, { i18n }) {
  const at = Date.parse(message.timestamp);
  setText(item.querySelector('.search-result__author'), message.username);
  setText(item.querySelector('.search-result__room'), message.isElsewhere ? i18n.roomName(message.room_id) : '');
  const time = item.querySelector('time');
  setAttribute(time, 'datetime', message.timestamp);
  setText(time, i18n.format.moment(at));
  item.querySelector('.search-result__content').replaceChildren(...excerptOf(message.content, message.text).map(({ text, isFound }) => {
    const part = document.createElement(isFound ? 'mark' : 'span');
    part.textContent = text;
    return part;
  }));
}
