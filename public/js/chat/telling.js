// A message is told of by one tab of a browser, and by none while a person of that name looks at one.

// Tabs hear of a message within moments of each other.
const LASTS_MS = 10_000;

/** Returns `tellOnce(message, tell)`. */
export function createTelling({ store, tabs, timers }) {
  let attended = null;

  store.subscribe(({ me, isAttentive }) => {
    const name = isAttentive ? (me?.username ?? null) : null;
    if (name === (attended?.name ?? null)) return;
    attended?.release();
    attended = name === null ? null : { name, release: tabs.hold(attendedBy(name)) };
  });

  return async function tellOnce({ room_id: room, seq }, tell) {
    const { username } = store.state.me;
    if (await tabs.isHeld(attendedBy(username))) return;
    await tabs.once(`adda.told ${JSON.stringify([username, room, seq])}`, LASTS_MS, timers, tell);
  };
}

const attendedBy = (name) => `adda.attended ${name}`;
