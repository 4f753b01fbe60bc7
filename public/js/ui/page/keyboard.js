// Keys beyond Tab: F6 goes round the regions, Alt+arrows round one's rooms, arrows along the
// messages, Ctrl/Cmd+K to the field that opens a room, Escape back.

import { byId } from '../lib/markup.js';

const REGIONS = ['rooms-panel', 'timeline', 'composer-input', 'members-panel'];

export function keyboard({ i18n, store, openRoom, drawers, timeline }) {
  document.addEventListener('keydown', (event) => {
    if (store.state.active === null || event.isComposing) return;
    const act = actionFor(event);
    if (act && act() !== false) event.preventDefault();
  });
  byId('timeline').addEventListener('keydown', (event) => {
    const row = rowFor(event.key);
    if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    row.focus();
  });

  function actionFor({ key, altKey, ctrlKey, metaKey, shiftKey }) {
    if (key === 'F6') return () => nextRegion(shiftKey ? -1 : 1);
    if (key === 'Escape') return () => drawers.close() || timeline.jumpToLatest();
    if (altKey && key === 'ArrowUp') return () => nextRoom(-1);
    if (altKey && key === 'ArrowDown') return () => nextRoom(1);
    if ((ctrlKey || metaKey) && key.toLowerCase() === 'k') return () => byId('open-room-input').focus();
    return null;
  }

  function nextRegion(step) {
    const regions = REGIONS.map(byId).filter((element) => element.checkVisibility({ visibilityProperty: true }));
    const at = regions.findIndex((element) => element.contains(document.activeElement));
    regions.at((at + step) % regions.length).focus();
  }

  function nextRoom(step) {
    const rooms = [...store.state.rooms.keys()].sort(i18n.format.compare);
    openRoom(rooms.at((rooms.indexOf(store.state.active) + step) % rooms.length));
  }

  function rowFor(key) {
    const rows = [...byId('timeline-rows').querySelectorAll('.message')];
    const at = rows.indexOf(document.activeElement);
    if (key === 'ArrowUp') return at === -1 ? rows.at(-1) : rows[at - 1];
    if (key === 'ArrowDown') return rows[at + 1];
    if (key === 'Home') return rows[0];
    return key === 'End' ? rows.at(-1) : null;
  }
}
