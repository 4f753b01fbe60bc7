// The joins that a socket has not answered, in the order of asking. The server takes a room's name as its own rule says, and answers joins
// in order: an answer that names none of them is that to the first.

export function createJoins() {
  // {room, isLeft: the room was left meanwhile}
  let asked = [];

  /** The first join of that name, which is answered now; undefined if there is none. */
  function take(room) {
    const at = asked.findIndex((join) => join.room === room);
    return at === -1 ? undefined : asked.splice(at, 1)[0];
  }

  return {
    take,
    takeFirst: () => asked.shift(),
    add: (room) => void asked.push({ room, isLeft: false }),
    leave(room) {
      for (const join of asked) join.isLeft ||= join.room === room;
    },
    clear() {
      asked = [];
    },
  };
}
