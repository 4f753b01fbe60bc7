// Finds web addresses in what people write. Only http and https are ever links.

// Up to white space, quotes, and what hides or turns round what follows it.
const ADDRESS = /\bhttps?:\/\/[^\s<>"'`“”‘’।॥\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]+/giu;
// A sentence may end right after an address.
const SENTENCE_END = '.,;:!?…';
const LONGEST = 2_000;

/**
 * `[{text, href?, host?}]`, whose texts joined give the text back. `host` is where a link leads, if
 * its text does not say so: letters of other scripts look like Latin ones, and a name may stand before an @.
 */
export function splitLinks(text) {
  if (!text.includes('://')) return text === '' ? [] : [{ text }];
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = withoutEnd(match[0]);
    const link = linkOf(address);
    if (!link) continue;
    if (match.index > from) parts.push({ text: text.slice(from, match.index) });
    parts.push({ text: address, ...link });
    from = match.index + address.length;
  }
  if (from < text.length) parts.push({ text: text.slice(from) });
  return parts;
}

// A bracket belongs to an address only if it was opened in it.
function withoutEnd(address) {
  const isOpened = address.includes('(');
  let end = address.length;
  while (end > 0 && (SENTENCE_END.includes(address[end - 1]) || (!isOpened && address[end - 1] === ')'))) end -= 1;
  return address.slice(0, end);
}

function linkOf(address) {
  if (address.length > LONGEST) return null;
  try {
    const { protocol, href, host } = new URL(address);
    if (protocol !== 'http:' && protocol !== 'https:') return null;
    const isSaid = address.toLowerCase().startsWith(`${protocol}//${host}`);
    return isSaid ? { href } : { href, host };
  } catch {
    return null;
  }
}
