// On a narrow screen the rooms and the people are drawers over the room; on a wide one they stand beside it.

import { byId, setAttribute } from '../lib/markup.js';

const PANELS = { rooms: 'rooms-panel', people: 'members-panel' };
const SIDE_BY_SIDE = '(min-width: 60rem)';

export function drawers() {
  const isNarrow = () => !matchMedia(SIDE_BY_SIDE).matches;
  let shown = null;
  let opener = null;
  let tell = () => {};

  /** Puts a drawer over the room, or takes it away (null); the focus goes along. */
  function show(name) {
    const isChanged = name !== shown;
    if (!isChanged || (name !== null && !isNarrow())) return;
    if (name !== null) opener = document.activeElement;
    shown = name;
    setAttribute(document.body, 'data-drawer', name);
    // Tab must not reach what lies behind.
    for (const behind of [byId('room-main'), byId('skip-link')]) behind.inert = name !== null;
    byId('scrim').hidden = name === null;
    for (const button of document.querySelectorAll('[data-opens]')) {
      button.setAttribute('aria-expanded', String(button.dataset.opens === name));
    }
    if (name !== null) byId(PANELS[name]).focus();
    else (opener?.isConnected && opener !== document.body ? opener : byId('timeline')).focus();
  }

  function open(name) {
    show(name);
    if (shown === name) tell(name);
  }

  function close() {
    if (shown === null) return false;
    show(null);
    tell(null);
    return true;
  }

  for (const button of document.querySelectorAll('[data-opens]')) {
    button.addEventListener('click', () => open(button.dataset.opens));
  }
  for (const button of document.querySelectorAll('[data-closes]')) button.addEventListener('click', close);
  byId('scrim').addEventListener('click', close);
  // A turned tablet gets its panels beside the room; nothing may stay inert behind them.
  matchMedia(SIDE_BY_SIDE).addEventListener('change', close);

  return {
    isNarrow,
    isOpen: () => shown !== null,
    open,
    close,
    /** Without telling: the caller knows. */
    show,
    /** `listener(name)` is called when a drawer opens, `listener(null)` when it closes. */
    onToggle: (listener) => { tell = listener; },
  };
}
