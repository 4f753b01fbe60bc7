// The rooms of a session: the position in each, and which of the server's frames are news. Each numbered frame is told once and in order;
// where the server cannot prove that none is missing, a `gap` or a `reset` is told first.


const CHANGES = new Set(['edit', 'delete', 'reaction']);

export function createRooms({ emit }) {
  // {position: {epoch, seq} or null, isJoined, frame: the last `joined`, waiting: [{resolve, reject}]}
  const rooms = new Map();

  function want(name, since = null) {
    if (!rooms.has(name)) rooms.set(name, { position: since && { ...since }, isJoined: false, frame: null, waiting: [] });
    return rooms.get(name);
  }

  function onJoined(frame) {
    const room = want(frame.room_id);
    const { position: since, waiting } = room;
    const position = { epoch: frame.epoch, seq: frame.seq };
    Object.assign(room, { isJoined: true, frame, waiting: [] });
    emit('joined', frame);
    if (since !== null && frame.recovered) frame.messages.forEach(onLogged);
    else if (since?.epoch === frame.epoch) tellGap(since, frame);
    else if (since !== null) emit('reset', { type: 'reset', room_id: frame.room_id, ...position, messages: frame.messages });
    // The page may end below it: changes have numbers, too.
    room.position = position;
    for (const { resolve } of waiting) resolve(frame);
  }

  // All that the page has of what is new; more may be missing.
  function tellGap(since, { room_id, seq, messages }) {
    const from = since.seq + 1;
    if (seq < from) return;
    emit('gap', { type: 'gap', room_id, from, to: seq });
    for (const message of messages) if (message.seq >= from) emit('message', message);
  }

  function onLogged(frame) {
    const room = rooms.get(frame.room_id);
    if (!room?.position || frame.seq <= room.position.seq) return;
    const from = room.position.seq + 1;
    // The server tells of every hole; should one slip through, the caller is told all the same.
    if (frame.seq > from) emit('gap', { type: 'gap', room_id: frame.room_id, from, to: frame.seq - 1 });
    room.position = { ...room.position, seq: frame.seq };
    emit(CHANGES.has(frame.type) ? 'change' : 'message', frame);
  }

  function drop(name, error) {
    const room = rooms.get(name);
    rooms.delete(name);
    room?.waiting.forEach(({ reject }) => reject(error));
    return room !== undefined;
  }

  return {
    onJoined,
    onLogged,
    onGap(frame) {
      const room = rooms.get(frame.room_id);
      if (!room?.position || frame.to <= room.position.seq) return;
      room.position = { ...room.position, seq: frame.to };
      emit('gap', frame);
    },
    onReset(frame) {
      const room = rooms.get(frame.room_id);
      if (!room) return;
      room.position = { epoch: frame.epoch, seq: frame.seq };
      emit('reset', { ...frame, messages: [] });
    },
    /** Resolves with the `joined` of a room. */
    joined(name, since) {
      const room = want(name, since);
      if (room.isJoined) return Promise.resolve(room.frame);
      return new Promise((resolve, reject) => room.waiting.push({ resolve, reject }));
    },
    /** The server calls a room by another name. */
    rename(asked, given) {
      const room = rooms.get(asked);
      if (!room) return;
      rooms.delete(asked);
      if (rooms.has(given)) rooms.get(given).waiting.push(...room.waiting);
      else rooms.set(given, room);
    },
    /** We are not in it any more. */
    drop,
    /** The connection is lost: all are joined again on the next one. */
    onLost() {
      for (const room of rooms.values()) room.isJoined = false;
    },
    /** The connection will not come back: nobody waits any longer. */
    refuse(error) {
      for (const room of rooms.values()) room.waiting.splice(0).forEach(({ reject }) => reject(error));
    },
    has: (name) => rooms.has(name),
    isJoined: (name) => rooms.get(name)?.isJoined === true,
    names: () => [...rooms.keys()],
    positionOf: (name) => rooms.get(name)?.position ?? null,
  };
}
