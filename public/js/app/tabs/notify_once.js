// One tab of a browser shows the notification of a message, and none does while a tab of that name has the focus.

// All tabs get a message within moments of each other.
const LASTS_MS = 10_000;

/** Returns `notifyOnce(message, notify)`. */
export function createNotifyOnce({ store, tabs, timers }) {
  let attended = null;

  store.subscribe(({ me, isAttentive }) => {
    const name = isAttentive ? (me?.username ?? null) : null;
    if (name === (attended?.name ?? null)) return;
    attended?.release();
    attended = name === null ? null : { name, release: tabs.hold(attendedBy(name)) };
  });

  return async function notifyOnce({ room_id: room, seq }, notify) {
    const { username } = store.state.me;
    if (await tabs.isHeld(attendedBy(username))) return;
    await tabs.once(`adda.told ${JSON.stringify([username, room, seq])}`, LASTS_MS, timers, notify);
  };
}

const attendedBy = (name) => `adda.attended ${name}`;
