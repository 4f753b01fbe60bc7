// One message row.

import { isEmojiOnly } from '../../../state/text/emoji.js';
import { mentions } from '../../../state/text/mentions.js';
import { actionOf } from '../../../state/text/actions.js';
import { signOf } from '../../../state/finding/namesakes.js';
import { avatar } from '../../lib/avatar.js';
import { cloned, setAttribute, setText } from '../../lib/markup.js';
import { actionContent, contentOf } from './content.js';
import { updateFiles } from '../files/files.js';
import { updateReactions } from '../reactions/reactions.js';
import { updateEdited } from './edited.js';
import { updateFailure } from './failure.js';
import { updateFold } from './fold.js';
import { updateQuotation } from './quotation.js';
import { updateSeen } from './seen.js';

// The text of each content element: markup has no way back to its source.
const sources = new WeakMap();

export function createMessage(row, { i18n }) {
  return cloned('message-template', i18n);
}

export function updateMessage(element, row, page) {
  const { i18n, store } = page;
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
  element.classList.toggle('message--deleted', row.deleted === true);
  const isMentioned = !row.isOwn && mentions(row, store.state.me);
  element.classList.toggle('message--mentions', isMentioned);
  updateQuotation(element, row.reply_to, i18n);
  updateContent(element, row, isMentioned ? store.state.me.username : '', i18n);
  updateEdited(element, row, i18n);
  updateReactions(element, row, page);
  updateFiles(element, row, i18n);
  updateFold(element, row, i18n);
  updateDelivery(element, row, i18n);
  updateSeen(element, row, i18n);
}

function updateTime(element, at, format) {
  element.dateTime = new Date(at).toISOString();
  element.title = format.moment(at);
  setText(element, format.time(at));
}

function updateContent(row, { content, username, deleted }, name, i18n) {
  const element = row.querySelector('.message__content');
  const source = deleted ? `\0${i18n.version}` : `${name}\0${content}`;
  if (sources.get(element) === source) return;
  sources.set(element, source);
  // A message may be files alone.
  element.hidden = content === '' && !deleted;
  if (deleted) {
    element.lang = '';
    row.classList.remove('message--action');
    element.textContent = i18n.text('message_deleted');
    return;
  }
  const action = actionOf(content);
  row.classList.toggle('message--action', action !== null);
  element.replaceChildren(...(action === null ? contentOf(content, name) : actionContent(username, action, name)));
  element.lang = languageOf(content);
}

// So that a screen reader changes its voice; unknown scripts stay unclaimed.
function languageOf(content) {
  if (/\p{Script=Bengali}/u.test(content)) return 'bn';
  return /\p{Script=Latin}/u.test(content) ? 'en' : '';
}

function updateDelivery(element, { key, delivery, reason, failedChange }, i18n) {
  const hasFailed = delivery === 'failed';
  const failed = hasFailed ? { nonce: key, kind: null, reason } : failedChange && { nonce: failedChange.split(' ')[1], kind: failedChange.split(' ')[0], reason };
  if (delivery) element.dataset.delivery = delivery;
  else delete element.dataset.delivery;
  // Beside the time, where it takes no line: most messages are sent before anybody could read it.
  setText(element.querySelector('.message__state'), delivery && !hasFailed ? i18n.text(`delivery_${delivery}`) : '');
  updateFailure(element, failed ?? null, i18n);
}
