// One tab stop for a whole list: the arrows, Home and End go on inside it.

/** `selector` finds the items in `root`; call `settle` after each drawing. */
export function roving(root, selector) {
  const items = () => [...root.querySelectorAll(selector)];
  let current = null;

  function settle(preferred = null) {
    const all = items();
    const stop = all.includes(current) ? current : (preferred ?? all[0]);
    for (const item of all) item.tabIndex = item === stop ? 0 : -1;
  }

  root.addEventListener('focusin', ({ target }) => {
    current = target.closest(selector) ?? current;
    settle();
  });
  root.addEventListener('keydown', (event) => {
    const all = items();
    const at = all.indexOf(document.activeElement);
    if (at === -1 || event.altKey || event.ctrlKey || event.metaKey) return;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || !all[to]) return;
    event.preventDefault();
    all[to].focus();
  });
  return { settle };
}
