// The number of unread messages as the page's icon shows it.

// More digits are not legible on an icon of 16 pixels.
const LARGEST = 99;

/** A number to write, 'many', or null for nothing. */
export function badgeOf(unread) {
  if (unread === 0) return null;
  return unread <= LARGEST ? unread : 'many';
}
