// The browser's history: Back closes a dialog, on a phone the open drawer, else it is the room before. An
// entry's state is null, {drawer} or {isDialog}; its address says which room.

import { closeDialog } from '../lib/dialogs.js';
import { addressOf, placeInAddress } from './address.js';

/** `openPlace({room, seq})` shows a place; `drawers` says when one opens or closes. */
export function navigation({ store, drawers, openPlace }) {
  // The entry is there already when Back or Forward brought us to it.
  let isReturning = false;
  // The entry of something that lay over the page, and is closed, is being left.
  let isLeaving = false;
  let isInDialog = false;
  const openedDialog = () => document.querySelector('dialog[open]');

  if (history.state !== null) history.replaceState(null, '');

  function enter(room, replaces) {
    isInDialog = false;
    history[replaces ? 'replaceState' : 'pushState'](null, '', addressOf(room));
  }

  function enterDialog() {
    if (isInDialog) return;
    isInDialog = true;
    history.pushState({ isDialog: true }, '');
  }

  function leave() {
    isLeaving = true;
    history.back();
  }

  drawers.onToggle((drawer) => {
    if (isReturning) return;
    if (drawer !== null) history.pushState({ drawer }, '');
    else if (history.state?.drawer) leave();
  });
  document.addEventListener('open', enterDialog, true);
  document.addEventListener('close', () => isInDialog && !isLeaving && !openedDialog() && leave(), true);

  store.subscribe((state, previous, { type }) => {
    if (state.active === previous.active || isReturning) return;
    // Neither the way in nor a room that one has left is a place to go back to.
    const replaces = state.active === null || previous.active === null || type === 'room_left' || history.state !== null;
    if (previous.active === null && placeInAddress(location).room === state.active) return;
    enter(state.active, replaces);
  });

  addEventListener('popstate', ({ state }) => {
    const dialog = openedDialog();
    const [isOurs, wasInDialog] = [isLeaving, isInDialog];
    isLeaving = false;
    isInDialog = false;
    if (isOurs) {
      if (state?.drawer && !drawers.isOpen()) return leave();
      // Opened in the meantime.
      return dialog ? enterDialog() : undefined;
    }
    // A dialog lies over the page: it goes, and the room stays.
    if (dialog) {
      closeDialog(dialog);
      if (openedDialog()) return enterDialog();
      return wasInDialog ? undefined : history.forward();
    }
    if (store.state.active === null) return undefined;
    isReturning = true;
    const isDrawer = drawers.isOpen() || Boolean(state?.drawer);
    drawers.show(state?.drawer ?? null);
    const place = placeInAddress(location);
    const isElsewhere = place.room !== store.state.active;
    if (place.room !== null && (isElsewhere || (place.seq !== null && !isDrawer))) openPlace(place);
    isReturning = false;
    return undefined;
  });
}
