// Which rows are drawn next: a reader at the end of a busy room gets new ones in portions, since each costs the browser a layout.

// So many take a cheap phone about a tenth of a second.
export const ROWS_A_DRAWING = 8;
// So many portions behind, the newest come first, lest the reader see only what is past.
const PORTIONS_BEHIND = 3;

/** `list` without some of the rows that are not `drawn` yet, where those are too many. One's own are never held back. */
export function rowsDrawn(list, drawn, most = ROWS_A_DRAWING) {
  const known = new Set(drawn.map(({ key }) => key));
  // Nothing to go on from: another room, or another part of this one.
  if (!list.some((row) => row.kind === 'message' && known.has(row.key))) return list;
  const isNew = (row) => !known.has(row.key) && !row.isOwn;
  const fresh = list.filter(isNew);
  if (fresh.length <= most) return list;
  const next = new Set(fresh.length > PORTIONS_BEHIND * most ? fresh.slice(-most) : fresh.slice(0, most));
  return list.filter((row) => !isNew(row) || next.has(row));
}
