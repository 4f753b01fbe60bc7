// Finds web addresses in what people write. Only http and https are ever links.

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`“”‘’]+/giu;
// A sentence may end right after an address; the danda ends one in Bengali.
const SENTENCE_END = /[.,;:!?।॥…]+$/u;

/** `[{text, href?}]`, which joined give the text back. */
export function splitLinks(text) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = withoutEnd(match[0]);
    const href = hrefOf(address);
    if (!href) continue;
    if (match.index > from) parts.push({ text: text.slice(from, match.index) });
    parts.push({ text: address, href });
    from = match.index + address.length;
  }
  if (from < text.length) parts.push({ text: text.slice(from) });
  return parts;
}

function withoutEnd(address) {
  const bare = address.split(/[।॥]/u)[0].replace(SENTENCE_END, '');
  const isUnopened = bare.endsWith(')') && !bare.includes('(');
  return isUnopened ? withoutEnd(bare.slice(0, -1)) : bare;
}

function hrefOf(address) {
  try {
    const url = new URL(address);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null;
  } catch {
    return null;
  }
}
