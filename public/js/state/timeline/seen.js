// The mark below one's own message that the other one of a conversation has seen.

/** The key of the newest own message up to `seq`, or null; `rows` are those of rowsOf, and `seq` is where the other one has read to, or null. */
export function seenKey(rows, seq) {
  if (seq === null) return null;
  const isSeen = (row) => row.kind === 'message' && row.isOwn && !row.deleted && Number.isFinite(row.seq) && row.seq <= seq;
  return rows.findLast(isSeen)?.key ?? null;
}
