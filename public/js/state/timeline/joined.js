// A timeline after the server's `joined`: the first page, what was missed, or the newest page after a loss.

import { withLogged } from './changes.js';
import { asEntry, gapEntry, withMessage, withReset } from './timeline.js';

export function withJoined(timeline, frame) {
  const { epoch, seq, messages, recovered } = frame;
  if (timeline.epoch === null) return firstPage(timeline, frame);
  if (recovered) return { ...messages.reduce(withLogged, timeline), epoch, head: seq };
  return epoch === timeline.epoch ? afterHole(timeline, frame) : afterReset(timeline, frame);
}

const latestOf = (messages, otherwise) => messages.at(-1)?.seq ?? otherwise;

function firstPage(timeline, { epoch, seq, messages }) {
  const entries = messages.map(asEntry);
  return { ...timeline, epoch, head: seq, latest: latestOf(messages, 0), entries, hasOlder: (messages[0]?.seq ?? 1) > 1 };
}

// Not proved complete, but the numbers tell: an overlap has no hole.
function afterHole(timeline, { seq, messages }) {
  const first = messages[0]?.seq ?? seq + 1;
  const latest = latestOf(messages, timeline.latest);
  // Changes have numbers too: the page overlaps as well if it begins with a message that is here.
  if (first <= Math.max(timeline.head, timeline.latest) + 1) return { ...messages.reduce(withMessage, timeline), head: seq, latest };
  if (!timeline.isFollowing) return { ...timeline, head: seq, latest, hasNewer: true };
  const gap = gapEntry(timeline.head + 1, first - 1);
  // A page on its way belongs to what was shown.
  return { ...timeline, head: seq, latest, entries: [gap, ...messages.map(asEntry)], hasOlder: true, loading: null, ask: null };
}

function afterReset(timeline, { epoch, seq, messages }) {
  const known = new Set(timeline.entries.map((entry) => entry.id));
  const unseen = messages.filter((message) => !known.has(message.id));
  const base = (unseen[0]?.seq ?? seq + 1) - 1;
  return { ...unseen.reduce(withMessage, withReset(timeline, { epoch, seq: base })), head: seq, latest: latestOf(messages, 0) };
}
