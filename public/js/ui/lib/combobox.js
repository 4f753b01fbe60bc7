// A field with a list of suggestions below it (the combobox pattern of ARIA): the arrows move
// through the list, Enter takes the chosen one, and the focus stays in the field.

import { keyedRows } from './keyed_rows.js';
import { setAttribute } from './markup.js';

/**
 * @param {object} parts
 *   input, list         the field and the `<ul role="listbox">`
 *   suggest()           what fits the field now: [{key, …}], the best first; {key, heading} is a row that divides them
 *   create, update      as for keyedRows, of an `<li>`
 *   choose(suggestion)  what Enter and a press do
 *   isEager             whether the best one is chosen already, so that Enter takes it
 */
export function combobox({ input, list, suggest, create, update, choose, isEager }) {
  let shown = [];
  let at = -1;
  const show = keyedRows(list, createRow, updateRow);
  const options = () => [...list.querySelectorAll('[role="option"]')];

  function createRow(row) {
    return row.heading ? createHeading() : createOption(row);
  }

  function updateRow(element, row) {
    if (row.heading) element.textContent = row.heading;
    else update(element, row);
  }

  // For the eye: the name of the list and the order of its rows say the same to a voice.
  function createHeading() {
    const heading = document.createElement('li');
    heading.className = 'suggestions__heading';
    heading.setAttribute('role', 'presentation');
    heading.setAttribute('aria-hidden', 'true');
    return heading;
  }

  function createOption(suggestion) {
    const option = create(suggestion);
    option.setAttribute('role', 'option');
    option.addEventListener('click', () => take(shown.find(({ key }) => key === option.dataset.key)));
    option.dataset.key = suggestion.key;
    return option;
  }

  function open() {
    put(suggest());
    move(isEager ? 0 : -1);
  }

  function put(suggestions) {
    shown = suggestions.filter(({ heading }) => !heading);
    show(suggestions);
    options().forEach((option, place) => { option.id = `${list.id}-${place}`; });
    list.hidden = shown.length === 0;
    // A text box of several lines has suggestions, but may not say that it is open.
    if (input.role === 'combobox') setAttribute(input, 'aria-expanded', String(shown.length > 0));
  }

  function move(to) {
    at = shown.length === 0 ? -1 : Math.max(-1, Math.min(to, shown.length - 1));
    options().forEach((option, place) => setAttribute(option, 'aria-selected', String(place === at)));
    setAttribute(input, 'aria-activedescendant', at === -1 ? null : `${list.id}-${at}`);
    if (at !== -1) options()[at].scrollIntoView({ block: 'nearest' });
  }

  function close() {
    put([]);
    move(-1);
  }

  function take(suggestion) {
    close();
    if (suggestion) choose(suggestion);
  }

  const actions = {
    ArrowDown: () => (shown.length === 0 ? open() : move(at + 1 < shown.length ? at + 1 : 0)),
    ArrowUp: () => shown.length > 0 && move(at > 0 ? at - 1 : shown.length - 1),
    Enter: () => shown.length > 0 && at !== -1 && take(shown[at]),
    Escape: () => shown.length > 0 && close(),
  };
  input.addEventListener('keydown', (event) => {
    if (event.isComposing || event.keyCode === 229 || event.altKey || event.ctrlKey || event.metaKey) return;
    if (!Object.hasOwn(actions, event.key) || actions[event.key]() === false) return;
    event.preventDefault();
    event.stopPropagation();
  });
  input.addEventListener('input', open);
  input.addEventListener('click', open);
  input.addEventListener('blur', close);
  // A press must not take the focus out of the field before it is a click.
  list.addEventListener('pointerdown', (event) => event.preventDefault());

  return {
    open,
    close,
    /** After new suggestions have come; keeps the place. */
    refresh() {
      if (list.hidden) return;
      const key = shown[at]?.key;
      put(suggest());
      move(Math.max(isEager ? 0 : -1, shown.findIndex((it) => it.key === key)));
    },
  };
}
