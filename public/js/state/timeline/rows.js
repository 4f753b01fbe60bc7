// A room's timeline and outbox as the rows a reader sees: day dividers, groups, the "new" divider,
// pending rows at the end. Each row has a key that stays with it, and everything its view needs.

import { partsOf } from '../outbox/items.js';

// Longer silence starts a new group even when the same person goes on.
const GROUP_LASTS_MS = 5 * 60_000;

/** `[{kind: 'day' | 'new' | 'message' | 'presence' | 'gap' | 'reset', key, …}]` */
export function rowsOf({ timeline, dividerSeq }, pending, me, dayOf = localDayOf) {
  const rows = [];
  let previous = null;
  let dayBefore = null;
  let isDividerDue = dividerSeq !== null;
  for (const entry of [...timeline.entries, ...(timeline.hasNewer ? [] : pending.map(asPendingEntry(me)))]) {
    if (entry.kind !== 'message') {
      rows.push(entry);
      previous = null;
      continue;
    }
    const at = Date.parse(entry.timestamp);
    const day = dayOf(at);
    if (day !== dayBefore) rows.push({ kind: 'day', key: `day:${day}`, at });
    const isDivided = isDividerDue && entry.seq > dividerSeq;
    if (isDivided) rows.push({ kind: 'new', key: 'new' });
    isDividerDue &&= !isDivided;
    const isContinued = previous !== null && day === dayBefore && !isDivided && continues(previous, entry, at);
    rows.push({ ...entry, at, isOwn: me !== null && me.userIds.includes(entry.user_id), isContinued });
    previous = { entry, at };
    dayBefore = day;
  }
  return uniqueDays(rows);
}

function continues(previous, entry, at) {
  // Its quotation stands between a reply and the message before.
  return !entry.reply_to && previous.entry.user_id === entry.user_id &&
    previous.entry.username === entry.username && at - previous.at < GROUP_LASTS_MS;
}

function asPendingEntry(me) {
  return (item) => ({
    kind: 'message', key: item.nonce, seq: Infinity,
    user_id: me?.userId, username: me?.username ?? '',
    timestamp: new Date(item.createdAt).toISOString(), delivery: item.state, reason: item.reason,
    ...partsOf(item),
  });
}

// Clocks of different nodes may disagree around midnight; the same day may then come twice.
function uniqueDays(rows) {
  const seen = new Map();
  return rows.map((row) => {
    if (row.kind !== 'day') return row;
    const times = (seen.get(row.key) ?? 0) + 1;
    seen.set(row.key, times);
    return times === 1 ? row : { ...row, key: `${row.key}:${times}` };
  });
}

function localDayOf(at) {
  const date = new Date(at);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/** The items of a room that have a row of their own: an echo already shows the others. */
export function pendingIn(outbox, room) {
  return outbox.filter((item) => item.room === room && item.echoId === null && item.change === null);
}
