// The dialog that says who reacted to a message, and how.

import { openDialog } from '../../lib/dialogs.js';
import { byId } from '../../lib/markup.js';
import { namesOf } from './reactions.js';

// As many as the server names.
const NAMES_SHOWN = 20;

/** Returns `show(row)`. */
export function whoReacted(page) {
  return function show({ reactions = {} }) {
    byId('who-reacted-list').replaceChildren(...Object.entries(reactions).flatMap(([emoji, { count, users }]) => [
      element('dt', `${emoji} ${page.i18n.format.number(count)}`), element('dd', namesOf(count, users, page, NAMES_SHOWN))]));
    openDialog('who-reacted');
  };
}

function element(name, text) {
  const it = document.createElement(name);
  it.textContent = text;
  return it;
}
