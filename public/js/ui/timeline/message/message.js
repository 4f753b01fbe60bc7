// One message row.

import { isEmojiOnly } from '../../../state/text/emoji.js';
import { actionOf } from '../../../state/text/actions.js';
import { signOf } from '../../../state/finding/namesakes.js';
import { avatar } from '../../lib/avatar.js';
import { cloned, setAttribute, setText } from '../../lib/markup.js';
import { actionContent, contentOf } from './content.js';
import { updateFailure } from './failure.js';
import { updateFold } from './fold.js';

// The text of each content element: markup has no way back to its source.
const sources = new WeakMap();

export function createMessage(row, { i18n }) {
  return cloned('message-template', i18n);
}

export function updateMessage(element, row, { i18n }) {
  element.dataset.key = row.key;
  if (Number.isFinite(row.seq)) element.dataset.seq = row.seq;
  element.classList.toggle('message--own', row.isOwn);
  element.classList.toggle('message--continued', row.isContinued);
  element.classList.toggle('message--emoji', isEmojiOnly(row.content));
  avatar(element.querySelector('.message__avatar'), row);
  const author = element.querySelector('.message__author');
  setText(author, row.isShared ? `${row.username} ${signOf(row.user_id)}` : row.username);
  setAttribute(author, 'title', row.username);
  updateTime(element.querySelector('.message__time'), row.at, i18n.format);
  updateContent(element, row);
  updateFold(element, row, i18n);
  updateDelivery(element, row, i18n);
}

function updateTime(element, at, format) {
  element.dateTime = new Date(at).toISOString();
  element.title = format.moment(at);
  setText(element, format.time(at));
}

function updateContent(row, { content, username }) {
  const element = row.querySelector('.message__content');
  if (sources.get(element) === content) return;
  sources.set(element, content);
  const action = actionOf(content);
  row.classList.toggle('message--action', action !== null);
  element.replaceChildren(...(action === null ? contentOf(content) : actionContent(username, action)));
  element.lang = languageOf(content);
}

// So that a screen reader changes its voice; unknown scripts stay unclaimed.
function languageOf(content) {
  if (/\p{Script=Bengali}/u.test(content)) return 'bn';
  return /\p{Script=Latin}/u.test(content) ? 'en' : '';
}

function updateDelivery(element, { delivery, reason }, i18n) {
  const hasFailed = delivery === 'failed';
  if (delivery) element.dataset.delivery = delivery;
  else delete element.dataset.delivery;
  // Beside the time, where it takes no line: most messages are sent before anybody could read it.
  setText(element.querySelector('.message__state'), delivery && !hasFailed ? i18n.text(`delivery_${delivery}`) : '');
  updateFailure(element, hasFailed ? reason : null, i18n);
}
