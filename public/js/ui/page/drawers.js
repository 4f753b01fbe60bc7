// On a phone the rooms and the people are drawers over the room; on a desk they stand beside it.

import { byId, setAttribute } from '../lib/markup.js';

const PANELS = { rooms: 'rooms-panel', people: 'members-panel' };

export function drawers() {
  let opener = null;

  function open(name, button) {
    opener = button;
    show(name);
    byId(PANELS[name]).focus();
  }

  function close() {
    if (!opener) return false;
    show(null);
    opener.focus();
    opener = null;
    return true;
  }

  function show(name) {
    setAttribute(document.body, 'data-drawer', name);
    byId('room-main').inert = name !== null;
    byId('scrim').hidden = name === null;
    for (const button of document.querySelectorAll('[data-opens]')) {
      button.setAttribute('aria-expanded', String(button.dataset.opens === name));
    }
  }

  for (const button of document.querySelectorAll('[data-opens]')) {
    button.addEventListener('click', () => open(button.dataset.opens, button));
  }
  for (const button of document.querySelectorAll('[data-closes]')) button.addEventListener('click', close);
  byId('scrim').addEventListener('click', close);
  // A turned tablet gets its panels beside the room; nothing may stay inert behind them.
  matchMedia('(min-width: 60rem)').addEventListener('change', close);
  return { close };
}
