// The rows between messages: day and "new" dividers, who came and went, gaps and resets.

import { cloned, setText } from '../lib/markup.js';

// More names than this make a line nobody reads.
const NAMES_SHOWN = 3;

export function createNotice(row, { i18n }) {
  const isDivider = row.kind === 'day' || row.kind === 'new';
  const element = cloned(isDivider ? 'divider-template' : 'notice-template', i18n);
  element.classList.add(isDivider ? `divider--${row.kind}` : `notice--${row.kind}`);
  return element;
}

export function updateNotice(element, row, { i18n, today }) {
  const text = textOfNotice(row, i18n, today());
  setText(element.querySelector('.divider__text') ?? element, text);
  if (row.kind === 'day' || row.kind === 'new') element.setAttribute('aria-label', text);
}

export function textOfNotice(row, i18n, today) {
  return textOf[row.kind](row, i18n, today);
}

const textOf = {
  day: ({ at }, i18n, today) => i18n.format.day(at, today),
  new: (_, i18n) => i18n.text('new_messages'),
  gap: ({ from, to }, i18n) => i18n.text('gap', { count: to - from + 1 }),
  reset: (_, i18n) => i18n.text('reset'),
  presence({ joined, left, isCondensed }, i18n) {
    const said = isCondensed ? numberOf : namesOf;
    const slots = { joined: said(joined, i18n), left: said(left, i18n) };
    if (left.length === 0) return i18n.text('notice_joined', slots);
    return i18n.text(joined.length === 0 ? 'notice_left' : 'notice_both', slots);
  },
};

function namesOf(users, i18n) {
  const names = users.map((user) => user.username);
  // One more name is no longer than the number of the rest.
  if (names.length <= NAMES_SHOWN + 1) return i18n.format.list(names);
  return i18n.format.list([...names.slice(0, NAMES_SHOWN), i18n.text('others_count', { count: names.length - NAMES_SHOWN })]);
}

function numberOf(users, i18n) {
  return i18n.text('people_count', { count: users.length });
}
