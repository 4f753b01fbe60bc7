// The dialog of the search: a field, where to look, and the messages that were found. A press leads to a message's place.

import { hasAccount } from '../../state/identity/identity.js';
import { isIgnored } from '../../state/settings/settings.js';
import { closeDialog, openDialog } from '../lib/dialogs.js';
import { keyedRows } from '../lib/keyed_rows.js';
import { byId, setText } from '../lib/markup.js';
import { createResult, updateResult } from './result.js';

/** Returns {open, update}. */
export function searchDialog(page) {
  const { i18n, store, search, settings, openPlace, redraw } = page;
  const dialog = byId('search');
  const field = byId('search-field');
  const where = byId('search-where');
  const list = byId('search-results');
  const show = keyedRows(list, (item) => createResult(item, page, lead), (element, item) => updateResult(element, item, page));

  byId('search-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (text !== '') search.begin(text, where.value === 'all' ? null : store.state.active);
  });
  where.addEventListener('change', () => field.value.trim() !== '' && search.begin(field.value.trim(), where.value === 'all' ? null : store.state.active));
  byId('search-more').addEventListener('click', () => {
    search.more();
    // The button goes away while the server looks.
    field.focus();
  });
  byId('room-search').addEventListener('click', open);
  dialog.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    const stops = [field, ...list.querySelectorAll('a')];
    const at = stops.indexOf(document.activeElement);
    const to = stops[at + (event.key === 'ArrowDown' ? 1 : -1)];
    if (at === -1 || !to) return;
    event.preventDefault();
    to.focus();
  });

  function lead(place) {
    closeDialog(dialog);
    openPlace(place);
  }

  function open() {
    openDialog('search');
    redraw();
    field.focus();
    field.select();
  }

  function statusOf({ next, isLoading, isDone, problem }, count) {
    if (problem) return i18n.text(problem.key, problem.slots);
    if (isLoading) return i18n.text('search_running');
    if (!isDone) return i18n.text('search_start');
    if (count > 0) return i18n.text('search_count', { count });
    return i18n.text(next === null ? 'search_none' : 'search_none_yet');
  }

  return {
    open,
    update(state) {
      if (!dialog.hasAttribute('open') || state.active === null) return;
      const isEverywhere = hasAccount(state.me);
      byId('search-where-row').hidden = !isEverywhere;
      if (!isEverywhere) where.value = 'here';
      setText(where.options[0], i18n.text('search_here', { room: state.active }));
      setText(where.options[1], i18n.text('search_everywhere'));
      const { results, text, room, next, isLoading } = state.search;
      const seen = results.filter(({ user_id: userId }) => !isIgnored(settings.current, userId));
      show(seen.map((message) => ({ ...message, key: `${message.room_id} ${message.seq}`, text, isElsewhere: room === null })), i18n.version);
      setText(byId('search-status'), statusOf(state.search, seen.length));
      byId('search-more').hidden = next === null || isLoading;
    },
  };
}
