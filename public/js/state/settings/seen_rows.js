// The rows that a reader has chosen to see: without the people they ignore, with join and leave
// notices in full, as numbers, or not at all.

import { isIgnored } from './settings.js';

export function seenRows(rows, settings) {
  const isHidden = (userId) => isIgnored(settings, userId);
  const seen = rows.flatMap((row) => {
    if (row.kind === 'message') return isHidden(row.user_id) ? [] : [withoutHiddenQuotation(row, isHidden)];
    return row.kind === 'presence' ? seenPresence(row, settings.notices, isHidden) : [row];
  });
  return withoutEmptyDays(seen);
}

function withoutHiddenQuotation(row, isHidden) {
  return row.reply_to && isHidden(row.reply_to.user_id) ? { ...row, reply_to: undefined } : row;
}

function seenPresence(row, notices, isHidden) {
  const joined = row.joined.filter(({ user_id }) => !isHidden(user_id));
  const left = row.left.filter(({ user_id }) => !isHidden(user_id));
  if (notices === 'hide' || joined.length + left.length === 0) return [];
  return [{ ...row, joined, left, isCondensed: notices === 'condense' }];
}

// A day on which only ignored people spoke has nothing below it.
function withoutEmptyDays(rows) {
  return rows.filter(({ kind }, at) => kind !== 'day' || (rows[at + 1] && rows[at + 1].kind !== 'day'));
}
