// The state of the connection, when that is worth a word.

import { bannerOf } from '../../state/connection.js';
import { byId, setText } from '../lib/markup.js';

// "Connected again" is read in a glance.
const BACK_SHOWN_MS = 2_500;

export function connectionStrip(page) {
  const { i18n, chat, now } = page;
  const strip = byId('connection-strip');
  const retry = byId('retry-now');
  let shownKind = null;
  let backTimer = null;
  retry.addEventListener('click', () => chat.retryNow());

  function show(kind, text, more = '') {
    strip.classList.toggle('connection-strip--shown', kind !== null);
    strip.dataset.kind = kind ?? '';
    if (kind !== null) {
      setText(byId('connection-text'), text);
      setText(byId('connection-more'), more);
    }
    // Screen readers get a new state once, not every second of its countdown.
    if (kind !== shownKind) setText(byId('connection-status'), `${text} ${more}`.trim());
    shownKind = kind;
  }

  function showBack() {
    show('back', i18n.text('strip_back'));
    clearTimeout(backTimer);
    backTimer = setTimeout(() => shownKind === 'back' && show(null, ''), BACK_SHOWN_MS);
  }

  return {
    update(state) {
      const { phase } = state.connection;
      document.body.dataset.connection = phase;
      const told = bannerOf(state.connection, now());
      retry.hidden = !told || told.kind === 'connecting' || told.kind === 'unavailable';
      if (told) return show(told.kind, textOf(told, page), moreOf(told, i18n));
      if (shownKind === 'back') return undefined;
      const isBack = shownKind !== null && shownKind !== 'unavailable' && phase === 'online';
      return isBack ? showBack() : show(null, '');
    },
  };
}

function moreOf({ kind, words }, i18n) {
  if (words) return i18n.text('refused_words', { words });
  return i18n.has(`strip_more_${kind}`) ? i18n.text(`strip_more_${kind}`) : '';
}

function textOf({ kind, reason, seconds, until }, { i18n, today, now }) {
  if (kind !== 'refused') return i18n.text(`strip_${kind}`, { count: seconds });
  if (reason === 'banned' && until !== null) return i18n.text('refused_banned_until', { time: i18n.format.moment(today() + until - now()) });
  return i18n.text(i18n.has(`refused_${reason}`) ? `refused_${reason}` : 'refused_bad_frame');
}
