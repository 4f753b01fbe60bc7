// Keeps the reader's place: at the bottom for who is there, else whatever row they look at.

// A reader this close to the end still wants the next message.
const BOTTOM_PX = 100;

export function scrollKeeper(scroller, rows) {
  const belowPx = () => scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;

  function toBottom() {
    scroller.scrollTop = scroller.scrollHeight;
  }

  // Some of the rows in view may go with the change; the first that stays is what we hold on to.
  function rowsInView() {
    const top = scroller.getBoundingClientRect().top;
    const bottom = top + scroller.clientHeight;
    return [...rows.children]
      .map((element) => ({ element, box: element.getBoundingClientRect() }))
      .filter(({ box }) => box.bottom > top && box.top < bottom)
      .map(({ element, box }) => ({ element, top: box.top }));
  }

  return {
    isAtBottom: () => belowPx() <= BOTTOM_PX,
    isNearTop: () => scroller.scrollTop < scroller.clientHeight,
    isNearBottom: () => belowPx() < scroller.clientHeight,
    toBottom,
    /** Runs `change` on the rows without moving what is being read. */
    keep(isFollowing, change) {
      const anchors = isFollowing ? [] : rowsInView();
      change();
      if (isFollowing) return toBottom();
      const anchor = anchors.find(({ element }) => element.isConnected);
      if (anchor) scroller.scrollTop += anchor.element.getBoundingClientRect().top - anchor.top;
    },
  };
}
