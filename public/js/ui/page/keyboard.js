// Keys beyond Tab, as help.js lists them for people.

import { roomSections } from '../../state/finding/room_sections.js';
import { openDialog } from '../lib/dialogs.js';
import { byId } from '../lib/markup.js';

// Written so, lest it be taken for an address.
const SLASH = '\u002f';
const REGIONS = ['rooms-panel', 'room-title', 'timeline', 'composer-input', 'members-panel'];

// The browser's own search comes first: the second time in so short a time is meant for ours.
const TWICE_MS = 2_000;

/** The Latin letter of a key: on a Bengali keyboard the one that is printed beside. */
export function latinOf({ key, code }) {
  return (/^[ -~]+$/.test(key) ? key : code.replace(/^Key/, '')).toLowerCase();
}

export function keyboard({ i18n, store, openRoom, drawers, timeline, switcher, searching, composer, now }) {
  let findAskedAt = -Infinity;

  document.addEventListener('keydown', (event) => {
    if (store.state.active === null || event.isComposing || document.querySelector('dialog[open]')) return;
    const act = actionFor(event);
    if (act && act() !== false) event.preventDefault();
  });
  byId('timeline').addEventListener('keydown', (event) => {
    // A player has the arrows for itself.
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest('audio, video')) return;
    const row = rowFor(event.key);
    if (!row) return;
    event.preventDefault();
    row.focus();
  });

  function actionFor(event) {
    const { key, altKey, ctrlKey, metaKey, shiftKey } = event;
    const latin = latinOf(event);
    if (key === 'F6') return () => nextRegion(shiftKey ? -1 : 1);
    if (key === 'Escape') return escape;
    if (altKey && key === 'ArrowUp') return () => nextRoom(-1, shiftKey);
    if (altKey && key === 'ArrowDown') return () => nextRoom(1, shiftKey);
    if (altKey && latin === 'a') return () => nextRoom(1, true);
    if ((ctrlKey || metaKey) && latin === 'k') return switcher.focus;
    if ((ctrlKey || metaKey) && latin === 'f') return find;
    if ((ctrlKey || metaKey) && event.code === 'Slash') return () => openDialog('help');
    if (altKey || ctrlKey || metaKey) return null;
    if (event.target === byId('composer-input')) return pageKey(key);
    return isLetter(event) ? letter(key) : null;
  }

  // The composer has few lines; a page is the talk's.
  function pageKey(key) {
    if (key === 'PageUp') return () => timeline.turn(-1);
    return key === 'PageDown' ? () => timeline.turn(1) : null;
  }

  function find() {
    const isSecond = now() - findAskedAt < TWICE_MS;
    findAskedAt = isSecond ? -Infinity : now();
    return isSecond ? searching.open() : false;
  }

  function letter(key) {
    if (key === SLASH) return searching.open;
    if (key === '?') return () => openDialog('help');
    // The key itself then goes to the field that has the focus.
    return () => {
      drawers.close();
      composer.take();
      return false;
    };
  }

  function isLetter({ key, target }) {
    const isTaken = target.closest('input, textarea, select, [role="menu"]') || (key === ' ' && target.closest('button, a'));
    return !isTaken && [...key].length === 1 && (key !== ' ' || !target.closest('#timeline'));
  }

  function escape() {
    if (drawers.close()) return;
    timeline.jumpToLatest();
    composer.focus();
  }

  function nextRegion(step) {
    const regions = REGIONS.map(byId).filter((element) => element.checkVisibility({ visibilityProperty: true }));
    // The room's name stands for all of its header.
    const at = regions.findIndex((element) => (element.closest('.room__header') ?? element).contains(document.activeElement));
    regions.at((at + step) % regions.length).focus();
  }

  function nextRoom(step, isUnread) {
    const rooms = roomSections(store.state, i18n.format.compare).ours;
    const at = rooms.findIndex(({ isActive }) => isActive);
    const around = rooms.map((_, place) => rooms.at((at + step * (place + 1)) % rooms.length));
    const next = around.find(({ unread }) => !isUnread || unread > 0);
    if (next && !next.isActive) openRoom(next.name);
  }

  function rowFor(key) {
    const rows = [...byId('timeline-rows').querySelectorAll('.message')];
    // The focus may be on something in a row.
    const at = rows.indexOf(document.activeElement.closest('.message'));
    if (key === 'ArrowUp') return at === -1 ? rows.at(-1) : rows[at - 1];
    if (key === 'ArrowDown') return at === -1 ? null : rows[at + 1];
    if (key === 'Home') return rows[0];
    return key === 'End' ? rows.at(-1) : null;
  }
}
