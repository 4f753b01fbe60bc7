// A menu of buttons (the menu pattern of ARIA): arrows, Home and End inside, Escape and Tab out. The items of a `.menu__row` stand side by side.

/** `element` is the `[role=menu]`. Returns {toggle(anchor), close, isOpen}; the focus returns to the anchor. */
export function menu(element) {
  let anchor = null;
  const items = () => [...element.querySelectorAll('[role="menuitem"]')].filter((item) => !item.hidden);

  // The anchor of an open menu closes it; another anchor takes it over.
  function toggle(from) {
    if (!element.hidden && anchor === from) return close();
    close({ keepsFocus: true });
    anchor = from;
    element.hidden = false;
    document.body.toggleAttribute('data-menu', true);
    anchor.setAttribute('aria-expanded', 'true');
    if (element.classList.contains('menu--floating')) placeBeside(anchor);
    return focusOn(items()[0]);
  }

  // A menu that scrolls must be within reach of the keyboard.
  function focusOn(item) {
    for (const other of items()) other.tabIndex = other === item ? 0 : -1;
    item.focus();
  }

  function close({ keepsFocus = false } = {}) {
    if (element.hidden) return;
    element.hidden = true;
    document.body.toggleAttribute('data-menu', false);
    anchor.setAttribute('aria-expanded', 'false');
    if (!keepsFocus && anchor.isConnected) anchor.focus();
  }

  // Below the anchor, or above it where the window ends.
  function placeBeside(target) {
    const box = target.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = element;
    const below = box.bottom + height <= innerHeight ? box.bottom : box.top - height;
    element.style.insetBlockStart = `${Math.max(4, Math.min(below, innerHeight - height - 4))}px`;
    element.style.insetInlineStart = `${Math.max(4, Math.min(box.left, innerWidth - width - 4))}px`;
  }

  element.addEventListener('keydown', (event) => {
    const all = items();
    const at = all.indexOf(document.activeElement);
    const to = placeAfter(event.key, all, at);
    if (event.key === 'Escape') close();
    else if (event.key === 'Tab') return close();
    else if (to === undefined) return;
    else focusOn(all[to]);
    event.preventDefault();
    event.stopPropagation();
  });
  // Before what the item does: a dialog that it opens gives the focus back to the anchor.
  element.addEventListener('click', ({ target }) => target.closest('[role="menuitem"]') && close(), true);
  document.addEventListener('pointerdown', ({ target }) => {
    if (!element.contains(target) && !anchor?.contains(target)) close({ keepsFocus: true });
  });

  return { toggle, close, isOpen: () => !element.hidden };
}

function placeAfter(key, items, at) {
  const row = items[at]?.closest('.menu__row');
  const isBeside = (item) => row != null && item.closest('.menu__row') === row;
  const next = (step) => (at + step + items.length) % items.length;
  // Past the others of its row.
  const beyond = (step) => {
    let to = next(step);
    while (isBeside(items[to]) && to !== at) to = (to + step + items.length) % items.length;
    return to;
  };
  return { ArrowDown: beyond(1), ArrowUp: beyond(-1), Home: 0, End: items.length - 1, ...(row ? { ArrowRight: next(1), ArrowLeft: next(-1) } : {}) }[key];
}
