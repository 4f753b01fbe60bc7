// Keeps the reader's place: at the bottom for who is there, else whatever row they look at.

// A reader this close to the end still wants the next message.
const BOTTOM_PX = 100;

export function scrollKeeper(scroller, rows) {
  const belowPx = () => scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;

  let sizeAtBottom = '';
  const size = () => `${scroller.clientHeight} ${scroller.scrollHeight}`;

  function toBottom() {
    scroller.scrollTop = scroller.scrollHeight;
    sizeAtBottom = size();
  }

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
    isAtBottom: () => belowPx() <= BOTTOM_PX,
    isNearTop: () => scroller.scrollTop < scroller.clientHeight,
    isNearBottom: () => belowPx() < scroller.clientHeight,
    toBottom,
    toTop(element) {
      scroller.scrollTop += element.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
    },
    toMiddle(element) {
      const room = scroller.clientHeight - element.offsetHeight;
      this.toTop(element);
      scroller.scrollTop -= Math.max(0, room / 2);
    },
    /** Runs `change` on the rows without moving what is being read. */
    keep(isFollowing, change) {
      const anchors = isFollowing ? [] : messagesInView();
      change();
      if (isFollowing) return toBottom();
      const anchor = anchors.find(({ element }) => element.isConnected);
      if (anchor) scroller.scrollTop += anchor.element.getBoundingClientRect().top - anchor.top;
    },
  };
}
