// The browser's history: Back closes a dialog, on a phone the open drawer, else it is the room before. An
// entry's state is {drawer?}; its address says which room.

import { closeDialog } from '../lib/dialogs.js';
import { addressOf, placeInAddress } from './address.js';

/** `openPlace({room, seq})` shows a place; `drawers` says when one opens or closes. */
export function navigation({ store, drawers, openPlace }) {
  // The entry is there already when Back or Forward brought us to it.
  let isReturning = false;
  const isInDrawer = () => history.state?.drawer != null;
  const enter = (room, replaces) => history[replaces ? 'replaceState' : 'pushState'](null, '', addressOf(room));

  if (isInDrawer()) history.replaceState(null, '');

  drawers.onToggle((drawer) => {
    if (isReturning) return;
    if (drawer !== null) history.pushState({ drawer }, '');
    else if (isInDrawer()) history.back();
  });

  store.subscribe((state, previous, { type }) => {
    if (state.active === previous.active || isReturning) return;
    // Neither the way in nor a room that one has left is a place to go back to.
    const replaces = state.active === null || previous.active === null || type === 'room_left' || isInDrawer();
    if (previous.active === null && placeInAddress(location).room === state.active) return;
    enter(state.active, replaces);
  });

  addEventListener('popstate', ({ state }) => {
    if (store.state.active === null) return;
    // A dialog lies over the page: it goes, and the room stays.
    const dialog = document.querySelector('dialog[open]');
    if (dialog) {
      closeDialog(dialog);
      return void history.forward();
    }
    isReturning = true;
    const isDrawer = drawers.isOpen() || state?.drawer != null;
    drawers.show(state?.drawer ?? null);
    const place = placeInAddress(location);
    const isElsewhere = place.room !== store.state.active;
    if (place.room !== null && (isElsewhere || (place.seq !== null && !isDrawer))) openPlace(place);
    isReturning = false;
  });
}
