// Draws the views once per frame, however many events came since the last one.

/** Returns `draw()`, which asks for a drawing of `store`'s state by every view's `update`. */
export function drawing(store, views) {
  let isDue = false;

  function update() {
    isDue = false;
    for (const view of views) view.update(store.state);
  }

  return function draw() {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(update);
  };
}
