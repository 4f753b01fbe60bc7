// The timeline of one room as its reader sees it, as a value. Entries are kept in seq order within an epoch:
//
//   {kind: 'message', key, id, seq, user_id, username, content, timestamp, …} as the server has it now, see changes.js
//   {kind: 'presence', key, joined: [user], left: [user]}   neighbouring notices, condensed
//   {kind: 'gap', key, from, to}                            the log no longer holds these
//   {kind: 'reset', key, seq}                               a new epoch; numbering goes on from seq
//
// `epoch` and `head` are where a reconnect resumes; they run ahead of the entries while somebody
// reads far up (`hasNewer`), because entries are bounded and a reader's place is never taken away.
// Changes of messages have numbers too, so `latest`, the seq of the newest message, may be below `head`.

import { withPresence } from './presence_entry.js';

// As many rows as a cheap phone lays out without a pause.
export const MAX_ENTRIES = 300;
// The first rows go many at a time: the browser moves all others then.
const STEP = 50;

export function emptyTimeline() {
  return {
    epoch: null,
    head: 0,
    latest: 0,
    entries: [],
    hasOlder: false,
    hasNewer: false,
    // The epoch changed below a reader of history: newer pages cannot be asked for by seq.
    isStale: false,
    // The reader is at the bottom and wants to stay there.
    isFollowing: true,
    // Messages that came while the reader was not at the bottom.
    below: 0,
    loading: null,
    // Which request for a page is under way: the answer to another one is about what was shown before.
    ask: null,
  };
}

/** A message of the room, ours or another's, live or caught up. Twice is once. */
export function withMessage(timeline, message) {
  const known = { ...timeline, head: Math.max(timeline.head, message.seq), latest: Math.max(timeline.latest, message.seq) };
  if (holds(timeline, message.id)) return refreshed(known, message);
  if (timeline.hasNewer || (!timeline.isFollowing && timeline.entries.length >= MAX_ENTRIES)) {
    return countedBelow({ ...known, hasNewer: true });
  }
  const entries = inserted(withHole(timeline, message.seq).entries, asEntry(message));
  const grown = { ...known, entries };
  return trimmedAbove(timeline.isFollowing ? grown : countedBelow(grown));
}

// A page has messages as they are now, also those that the timeline shows.
function refreshed(timeline, message) {
  const isNews = (entry) => entry.id === message.id && message.changed > (entry.changed ?? 0);
  if (!timeline.entries.some(isNews)) return timeline;
  return { ...timeline, entries: timeline.entries.map((entry) => (isNews(entry) ? { ...asEntry(message), key: entry.key } : entry)) };
}

/** Our own message as its ack tells it; `head` stays, since what lies before it may be under way. */
export function withAcked(timeline, message, key) {
  if (holds(timeline, message.id)) return withKey(timeline, message.id, key);
  const oldest = timeline.entries.find((entry) => entry.kind === 'message')?.seq ?? 0;
  if (timeline.hasNewer || message.epoch !== timeline.epoch || message.seq < oldest) return timeline;
  const entries = inserted(timeline.entries, asEntry(message));
  return withKey({ ...timeline, entries }, message.id, key);
}

/** The row keeps the key of the pending row it replaces, so that the page keeps its element. */
export function withKey(timeline, id, key) {
  const entries = timeline.entries.map((entry) => {
    if (entry.id === id) return { ...entry, key };
    // It was guessed to be this one, see findEcho.
    return entry.key === key ? { ...entry, key: entry.id } : entry;
  });
  return { ...timeline, entries };
}

export function withGap(timeline, { from, to }) {
  const head = Math.max(timeline.head, to);
  if (timeline.hasNewer) return { ...timeline, head };
  return trimmedAbove({ ...timeline, head, entries: [...timeline.entries, gapEntry(from, to)] });
}

export function withReset(timeline, { epoch, seq }) {
  // Changes of the epoch before may have numbers that will be others' in this one.
  const isLater = (entry) => entry.changed > seq;
  const kept = timeline.entries.some(isLater) ? timeline.entries.map((entry) => (isLater(entry) ? { ...entry, changed: undefined, isOutdated: true } : entry)) : timeline.entries;
  const renumbered = { ...timeline, entries: kept, epoch, head: seq, latest: Math.min(timeline.latest, seq) };
  // Numbers go on where they stood: nothing is missing, and nothing is shown.
  if (seq === timeline.head) return renumbered;
  if (timeline.hasNewer) return { ...renumbered, isStale: true };
  const reset = { kind: 'reset', key: `reset:${epoch}`, seq };
  // Two in a row say no more than one.
  const before = kept.at(-1)?.kind === 'reset' ? kept.slice(0, -1) : kept;
  return { ...renumbered, entries: [...before, reset] };
}

export function withNotice(timeline, notice) {
  if (timeline.hasNewer) return timeline;
  return trimmedAbove({ ...timeline, entries: withPresence(timeline.entries, notice) });
}

export function withFollowing(timeline, isFollowing) {
  const isCaughtUp = isFollowing && !timeline.hasNewer;
  const below = isCaughtUp ? 0 : timeline.below;
  return trimmedAbove({ ...timeline, isFollowing: isCaughtUp, below });
}

/** The first entries are dropped when a reader at the end has so many more than `kept`; they can be asked for again. */
export function withFewer(timeline, kept) {
  if (timeline.entries.length <= kept + STEP || !timeline.isFollowing) return timeline;
  return { ...timeline, entries: timeline.entries.slice(-kept), hasOlder: true };
}

/** Does the timeline already show this message? */
export function holds(timeline, id) {
  return timeline.entries.findLastIndex((entry) => entry.id === id) >= 0;
}

export function asEntry(message) {
  return { ...message, kind: 'message', key: message.id };
}

export function gapEntry(from, to) {
  return { kind: 'gap', key: `gap:${from}`, from, to };
}

/** The server tells of every hole; should one slip through below `seq`, the reader is told all the same. */
export function withHole(timeline, seq) {
  const from = timeline.head + 1;
  if (timeline.epoch === null || seq <= from) return timeline;
  const present = timeline.entries.filter((entry) => entry.seq >= from && entry.seq < seq).length;
  if (present >= seq - from) return timeline;
  return { ...timeline, entries: [...timeline.entries, gapEntry(from, seq - 1)] };
}

// Past newer messages only, and never past a reset or a gap: before those, other numbers count.
function inserted(entries, entry) {
  let at = entries.length;
  while (at > 0 && isAfter(entries[at - 1], entry.seq)) at -= 1;
  return [...entries.slice(0, at), entry, ...entries.slice(at)];
}

function isAfter(entry, seq) {
  return (entry.kind === 'message' && entry.seq > seq) || (entry.kind === 'gap' && entry.from > seq);
}

function countedBelow(timeline) {
  return { ...timeline, below: timeline.below + 1 };
}

function trimmedAbove(timeline) {
  return withFewer(timeline, MAX_ENTRIES - STEP);
}
