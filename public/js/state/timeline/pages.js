// Pages of history around what the timeline shows: older ones above, newer ones below, or the
// newest one in place of everything. A timeline that grows on one side is trimmed on the other.

import { asEntry, gapEntry, MAX_ENTRIES } from './timeline.js';

/** How many messages a page has. */
export const PAGE_MESSAGES = 50;

/** The seq to ask `before`, or null when nothing older can exist. */
export function olderCursor(timeline) {
  // A reset may have set the numbers back; what the log has above is below its base.
  const bounds = timeline.entries.flatMap((entry) => {
    if (entry.kind === 'message') return [entry.seq];
    return entry.kind === 'reset' ? [entry.seq + 1] : [];
  });
  const cursor = bounds.length > 0 ? Math.min(...bounds) : timeline.head + 1;
  return timeline.hasOlder && cursor > 1 ? cursor : null;
}

/** The seq to ask `after`; null when the newest page must be loaded instead. The page begins with the last message: then nothing is missing. */
export function newerCursor(timeline) {
  const last = timeline.isStale ? null : lastSeq(timeline.entries);
  return last === null ? null : last - 1;
}

export function withOlderPage(timeline, page) {
  const unseen = fresh(timeline, page.data);
  const [gap, ...rest] = timeline.entries;
  const entries =
    gap?.kind === 'gap'
      ? [...shrunkGap(gap, unseen), ...unseen, ...rest]
      : [...unseen, ...timeline.entries];
  const excess = entries.length - MAX_ENTRIES;
  return {
    ...timeline,
    loading: null,
    hasOlder: page.next != null && page.data.length > 0,
    entries: excess > 0 ? entries.slice(0, MAX_ENTRIES) : entries,
    hasNewer: timeline.hasNewer || excess > 0,
    isFollowing: timeline.isFollowing && excess <= 0,
  };
}

export function withNewerPage(timeline, page) {
  const last = lastSeq(timeline.entries) ?? 0;
  const unseen = fresh(timeline, page.data).filter((message) => message.seq > last);
  const reached = unseen.at(-1)?.seq ?? timeline.latest;
  const first = unseen[0]?.seq ?? timeline.latest + 1;
  // Changes have numbers of their own, so numbers alone show no hole: the log does, once it has lost the last message.
  const isWhole = first === last + 1 || page.data.some(({ seq }) => seq === last);
  const hole = isWhole ? [] : [gapEntry(last + 1, first - 1)];
  const entries = [...timeline.entries, ...hole, ...unseen];
  return {
    ...timeline,
    loading: null,
    entries: entries.slice(-MAX_ENTRIES),
    hasOlder: timeline.hasOlder || entries.length > MAX_ENTRIES,
    hasNewer: reached < timeline.latest,
  };
}

export function withNewestPage(timeline, page) {
  const reached = page.data.at(-1)?.seq ?? timeline.latest;
  return {
    ...timeline,
    loading: null,
    isStale: false,
    entries: page.data.map(asEntry),
    hasOlder: page.next != null && page.data.length > 0,
    // Messages may have come while the page was on its way: then a newer page is due at once.
    hasNewer: reached < timeline.latest,
    isFollowing: reached >= timeline.latest,
    below: 0,
  };
}

/** A page somewhere in the history, in place of everything: what a permalink leads to. */
export function withPageAround(timeline, page) {
  const reached = page.data.at(-1)?.seq ?? 0;
  return {
    ...timeline,
    loading: null,
    entries: page.data.map(asEntry),
    hasOlder: page.next != null && page.data.length > 0,
    hasNewer: reached < timeline.latest,
    isFollowing: false,
    below: 0,
  };
}

/** Messages as they are now, in place of those that the timeline shows: after a loss it may lack changes of them, or of what they quote. */
export function withRefreshedPage(timeline, page) {
  const now = new Map(page.data.map((message) => [message.id, message]));
  const isNews = (entry) => entry.isOutdated || (now.get(entry.id).changed ?? 0) > (entry.changed ?? 0);
  const requoted = (entry) => (entry.reply_to && !entry.reply_to.deleted ? { ...entry, reply_to: now.get(entry.id).reply_to } : entry);
  const renewed = (entry) => (isNews(entry) ? { ...asEntry(now.get(entry.id)), key: entry.key } : requoted(entry));
  return { ...timeline, entries: timeline.entries.map((entry) => (now.has(entry.id) ? renewed(entry) : entry)) };
}

/** The extent of a page that has the last messages of a timeline below a seq, as far as one page reaches; null where there are none. */
export function shownExtent({ entries }, below, most) {
  const shown = entries.filter(({ kind, seq }) => kind === 'message' && seq < below);
  return shown.length > 0 ? { before: shown.at(-1).seq + 1, limit: Math.min(most, shown.length) } : null;
}

function fresh(timeline, messages) {
  const known = new Set(timeline.entries.map((entry) => entry.id));
  return messages.filter((message) => !known.has(message.id)).map(asEntry);
}

function shrunkGap(gap, unseen) {
  const to = Math.min(gap.to, (unseen[0]?.seq ?? Infinity) - 1);
  return to >= gap.from ? [{ ...gap, to }] : [];
}

function lastSeq(entries) {
  return entries.findLast((entry) => entry.kind === 'message')?.seq ?? null;
}
