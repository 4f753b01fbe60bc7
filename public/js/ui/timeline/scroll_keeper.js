// Keeps the reader's place: at the bottom for who is there, else whatever row they look at.

// A page that changes its size this little leaves its reader at the end.
const BOTTOM_PX = 100;
// Scrolling ends at fractions of a pixel.
const EDGE_PX = 2;
// No row is lower.
const ROW_PX = 20;
// So far ahead of the reader the next page is fetched, however tall the window is.
const AHEAD_PX = 1_000;

export function scrollKeeper(scroller, rows) {
  const belowPx = () => scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;

  let sizeAtBottom = '';
  const size = () => `${scroller.clientHeight} ${scroller.scrollHeight}`;

  let lastTop = 0;
  // Scrolling goes by whole pixels; the rest is due at the next change, lest many of them add up.
  let restPx = 0;

  function toBottom() {
    scroller.scrollTop = scroller.scrollHeight;
    sizeAtBottom = size();
    lastTop = scroller.scrollTop;
  }

  const isInView = (element) => {
    const top = element.getBoundingClientRect().top;
    return top < scroller.getBoundingClientRect().top + scroller.clientHeight && element.getBoundingClientRect().bottom > scroller.getBoundingClientRect().top;
  };

  // Some of the messages in view may go with the change; the first that stays is what we hold on to.
  // Not a divider: that of a day moves up when older messages of the day come.
  function messagesInView() {
    const top = scroller.getBoundingClientRect().top;
    const bottom = top + scroller.clientHeight;
    return [...rows.querySelectorAll('.message')]
      .map((element) => ({ element, box: element.getBoundingClientRect() }))
      .filter(({ box }) => box.bottom > top && box.top < bottom)
      .map(({ element, box }) => ({ element, top: box.top }));
  }

  return {
    /** Since the last time at the bottom: then it is the page that moved, not the reader. */
    isResized: () => size() !== sizeAtBottom,
    /** A reader who scrolls up reads, be it one line; one who scrolls down to about the end follows again. */
    isAtBottom(wasFollowing) {
      const movedPx = scroller.scrollTop - lastTop;
      lastTop = scroller.scrollTop;
      const isReader = movedPx < 0 && size() === sizeAtBottom;
      return belowPx() <= (movedPx > 0 || (wasFollowing && !isReader) ? BOTTOM_PX : EDGE_PX);
    },
    isNearTop: () => scroller.scrollTop < Math.min(scroller.clientHeight, AHEAD_PX),
    isNearBottom: () => belowPx() < Math.min(scroller.clientHeight, AHEAD_PX),
    isInView,
    /** How many of the lowest rows fit into the window. */
    rowsInView: () => Math.ceil(scroller.clientHeight / ROW_PX),
    /** How many messages stand below the end of the window. */
    messagesBelow() {
      const bottom = scroller.getBoundingClientRect().top + scroller.clientHeight;
      const messages = [...rows.querySelectorAll('.message')];
      const last = messages.findLastIndex((element) => element.getBoundingClientRect().top < bottom);
      return messages.length - 1 - last;
    },
    toBottom,
    toTop(element) {
      scroller.scrollTop += element.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
    },
    toMiddle(element) {
      const above = Math.max(0, (scroller.clientHeight - element.offsetHeight) / 2);
      // In one step: at the end of the rows the browser goes no further than it can.
      scroller.scrollTop += element.getBoundingClientRect().top - scroller.getBoundingClientRect().top - above;
    },
    /** Runs `change` on the rows without moving what is being read. */
    keep(isFollowing, change) {
      const anchors = isFollowing ? [] : messagesInView();
      if (scroller.scrollTop !== lastTop) restPx = 0;
      change();
      if (isFollowing) return toBottom();
      const anchor = anchors.find(({ element }) => element.isConnected);
      if (anchor) {
        const wanted = scroller.scrollTop + anchor.element.getBoundingClientRect().top - anchor.top + restPx;
        scroller.scrollTop = wanted;
        const left = wanted - scroller.scrollTop;
        restPx = Math.abs(left) < 1 ? left : 0;
      }
      lastTop = scroller.scrollTop;
    },
  };
}
