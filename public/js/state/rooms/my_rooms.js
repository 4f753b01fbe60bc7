// The rooms and conversations that an account is in, joined here or not, as the server lists them and as its frames keep them up; and
// the members of private rooms.

// More than a line of the list holds.
const PREVIEW_CHARS = 100;

const NONE = { myRooms: new Map(), memberships: new Map() };

export const myRooms = {
  initial: {
    // By id {id, title, topic, with: {user_id, username} | null, owner, seq, readSeq, unread, mentions, last: {username, preview, at} | null}
    myRooms: NONE.myRooms,
    // By id of a private room {owner, people: [{user_id, username}]}.
    memberships: NONE.memberships,
  },
  events: {
    identified: (state, { userId }) => (state.me === null || state.me.userIds.includes(userId) ? state : { ...state, ...NONE }),
    // `before` are those that the page had when it asked.
    my_rooms_listed: (state, { rooms, before = state.myRooms }) =>
      ({ ...state, myRooms: new Map(rooms.filter(isRoom).map((it) => [it.id, listed(it, state.myRooms.get(it.id), before.get(it.id))])) }),
    my_room_told: (state, { room }) => (isRoom(room) ? withRoom(state, asRoom(room, state.myRooms.get(room.id))) : state),
    my_room_left: (state, { room }) => without(state, room),
    members_told: (state, { room, owner, people }) => ({ ...state, memberships: new Map(state.memberships).set(room, { owner, people }) }),
    room_left: (state, { room }) => (isPrivate(room) ? state : without(state, room)),
  },
  frames: {
    inbox(state, { room_id: id, seq, from, preview, mention }, { at }) {
      const known = state.myRooms.get(id) ?? asRoom({ id });
      if (seq <= known.seq) return state;
      const isOwn = state.me?.userIds.includes(from.user_id) || state.ignored.has(from.user_id);
      const last = { username: from.username, preview, at: at + state.serverAheadMs };
      return withRoom(state, { ...known, seq, last, unread: known.unread + (isOwn ? 0 : 1), mentions: known.mentions + (mention && !isOwn ? 1 : 0) });
    },
    read: (state, { room_id: id, seq }) => changed(state, id, (it) => asReadTo(it, seq)),
    text: (state, { room_id: id, seq, username, content, timestamp }) => changed(state, id, (it) => (seq <= it.seq ? it
      : { ...it, seq, last: { username, preview: content.slice(0, PREVIEW_CHARS), at: Date.parse(timestamp) } })),
    left: (state, { room_id: id, reason }) => (reason === 'removed' ? without(state, id) : state),
  },
};

/** Whether the server has named a room: those have members, or are conversations. */
export const isPrivate = (id) => /^[!@]/.test(id);
export const isConversation = (id) => id.startsWith('@');

/** The title of a room that the server has named, or null. */
export function titleOf(state, id) {
  const room = state.myRooms.get(id);
  return room?.with?.username ?? room?.title ?? null;
}

/** Whether we own a private room. */
export function isOwner(state, id) {
  const owner = state.myRooms.get(id)?.owner ?? state.memberships.get(id)?.owner;
  return owner != null && state.me?.userIds.includes(owner) === true;
}

/** {unread, mentions} of a room: as this page counts them where it is in the room, else as the server says. */
export function marksOf(state, id) {
  const { unread, mentions } = state.rooms.get(id) ?? state.myRooms.get(id) ?? { unread: 0, mentions: 0 };
  return { unread, mentions: mentions ?? 0 };
}

/** When the last message of a room was written; 0 where nothing is known. */
export function lastAt(state, id) {
  const said = state.rooms.get(id)?.timeline.entries.findLast(({ kind }) => kind === 'message');
  return Math.max(said ? Date.parse(said.timestamp) : 0, state.myRooms.get(id)?.last?.at ?? 0);
}

function asReadTo(room, seq) {
  if (seq <= room.readSeq) return room;
  const unread = Math.min(room.unread, Math.max(0, room.seq - seq));
  return { ...room, readSeq: seq, unread, mentions: Math.min(room.mentions, unread) };
}

const isText = (value) => typeof value === 'string';
const isRoom = (room) => isText(room?.id) && room.id !== '';
const count = (value) => (Number.isInteger(value) && value > 0 ? value : 0);

// Fields may be missing: of an answer that names a room only, and of a server of a version before.
function asRoom({ id, title, topic, with: other, owner, seq, read_seq: readSeq, unread, mentions, last }, known = null) {
  return {
    id,
    title: isText(title) ? title : (known?.title ?? null),
    topic: isText(topic) ? topic : (topic === null ? null : (known?.topic ?? null)),
    with: isText(other?.username) ? { user_id: other.user_id, username: other.username } : (known?.with ?? null),
    owner: isText(owner) ? owner : (isText(owner?.user_id) ? owner.user_id : (known?.owner ?? null)),
    seq: seq === undefined ? (known?.seq ?? 0) : count(seq),
    readSeq: readSeq === undefined ? (known?.readSeq ?? 0) : count(readSeq),
    unread: unread === undefined ? (known?.unread ?? 0) : count(unread),
    mentions: mentions === undefined ? (known?.mentions ?? 0) : count(mentions),
    last: last && isText(last.preview) ? { username: String(last.username ?? ''), preview: last.preview, at: Date.parse(last.timestamp) || 0 } : (known?.last ?? null),
  };
}

// Frames that came while the list was on its way are newer; otherwise the server is right, also with lower numbers, as in a new epoch.
function listed(told, known, before) {
  const room = asRoom(told, known);
  const isOlder = before && known !== before && (known.seq > room.seq || known.readSeq > room.readSeq);
  if (!isOlder) return room;
  const { unread, mentions, last } = known;
  return { ...room, seq: Math.max(known.seq, room.seq), readSeq: Math.max(known.readSeq, room.readSeq), unread, mentions, last };
}

const withRoom = (state, room) => ({ ...state, myRooms: new Map(state.myRooms).set(room.id, room) });

function changed(state, id, change) {
  const room = state.myRooms.get(id);
  const next = room && change(room);
  return !room || next === room ? state : withRoom(state, next);
}

function without(state, id) {
  if (!state.myRooms.has(id) && !state.memberships.has(id)) return state;
  const others = (all) => new Map([...all].filter(([other]) => other !== id));
  return { ...state, myRooms: others(state.myRooms), memberships: others(state.memberships) };
}
