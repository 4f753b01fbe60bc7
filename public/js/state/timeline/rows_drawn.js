// Which rows are drawn next. Each row costs the browser a layout, so many of them come in portions: what the reader looks at first.

// So many take a cheap phone about a tenth of a second.
export const ROWS_A_DRAWING = 8;
// So many portions behind, the newest come first, lest the reader see only what is past.
const PORTIONS_BEHIND = 3;

/**
 * `list` without some of the rows that are not `drawn` yet, where those are too many; `list` itself once all are drawn.
 *
 * @param {object} reader
 *   isFollowing  at the end of the room: one's own rows are not held back then
 *   seq          the message that the reader is led to in a room or a page that was not on screen, or null: then it is
 *                the first new message, or the end
 */
export function rowsDrawn(list, drawn, { isFollowing, seq = null }, most = ROWS_A_DRAWING) {
  const known = new Set(drawn.map(({ key }) => key));
  const start = list.findIndex((row) => row.kind === 'message' && known.has(row.key));
  // Nothing to go on from: another room, or another part of this one.
  if (start === -1) return firstRows(list, seq, most);
  const isHeld = (row) => !known.has(row.key) && !(isFollowing && row.isOwn);
  const above = list.slice(0, start).filter((row) => !known.has(row.key));
  const below = list.slice(start).filter(isHeld);
  if (above.length + below.length <= most) return list;
  const isFarBehind = isFollowing && below.length > PORTIONS_BEHIND * most;
  const next = isFarBehind ? below.slice(-most) : below.slice(0, most);
  // The nearest first.
  if (next.length < most) next.push(...above.slice(next.length - most));
  const held = new Set([...above, ...below]);
  for (const row of next) held.delete(row);
  return list.filter((row) => !held.has(row));
}

function firstRows(list, seq, most) {
  if (list.length <= most) return list;
  const place = list.findIndex((row) => (seq === null ? row.kind === 'new' : row.kind === 'message' && row.seq >= seq));
  const above = seq === null ? 0 : Math.floor(most / 2);
  const last = list.length - most;
  const from = place === -1 ? last : Math.max(0, Math.min(place - above, last));
  return list.slice(from, from + most);
}
