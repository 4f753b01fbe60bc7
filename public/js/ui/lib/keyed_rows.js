// Shows a list of items as the children of an element: one element per key, kept while its key is
// there, touched only when its item changed.

/** `create(item)` makes an element, `update(element, item)` fills it. Returns `show(items, version)`. */
export function keyedRows(parent, create, update) {
  let shown = new Map();
  let shownVersion;

  return function show(items, version) {
    const next = new Map();
    for (const item of items) {
      const known = shown.get(item.key);
      const element = known?.element ?? create(item);
      if (!known || version !== shownVersion || !isSame(known.item, item)) update(element, item);
      next.set(item.key, { element, item });
      shown.delete(item.key);
    }
    // Leavers first: what stays is then in place already, and is not moved (moving loses the focus).
    for (const { element } of shown.values()) element.remove();
    place(parent, next);
    shown = next;
    shownVersion = version;
  };
}

function place(parent, rows) {
  let following = parent.firstElementChild;
  for (const { element } of rows.values()) {
    if (element === following) following = following.nextElementSibling;
    else parent.insertBefore(element, following);
  }
}

function isSame(one, other) {
  const keys = Object.keys(other);
  return keys.length === Object.keys(one).length && keys.every((key) => one[key] === other[key]);
}
