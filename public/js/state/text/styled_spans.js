// A line's inline markup: `code`, *bold*, _italic_, ~struck~ and web addresses.

import { splitLinks } from './links.js';

const CODE = /`([^`\n]+)`/g;
// Not inside words: 2*3*4 and snake_case_names are what they are.
const BESIDE = '[\\p{L}\\p{M}\\p{N}]';
// Most texts have no sign, and a first match costs more than a look.
const sign = (style, it) => ({ style, it, pattern: new RegExp(`(^|[^\\p{L}\\p{M}\\p{N}${it}])[${it}][^\\s${it}](?:[^${it}\\n]*[^\\s${it}])?[${it}](?!${BESIDE}|[${it}])`, 'gu') });
const STYLES = [sign('isBold', '*'), sign('isItalic', '_'), sign('isStruck', '~')];
// Stands for each character of an address, so that signs in it are not signs.
const MASK = '\uffff';

/** `[{text, isBold?, isItalic?, isStruck?, isCode?, href?, host?}]`. */
export function styledSpans(text) {
  const spans = [];
  let from = 0;
  for (const match of text.matchAll(CODE)) {
    spans.push(...styled(text.slice(from, match.index)), { text: match[1], isCode: true });
    from = match.index + match[0].length;
  }
  return [...spans, ...styled(text.slice(from))];
}

function styled(text) {
  const parts = splitLinks(text);
  const masked = parts.map(({ text: part, href }) => (href ? MASK.repeat(part.length) : part)).join('');
  const marks = STYLES.filter(({ it }) => masked.includes(it)).flatMap(({ style, pattern }) => [...masked.matchAll(pattern)].map(
    ({ index, 0: found, 1: before }) => ({ style, from: index + before.length, to: index + found.length })));
  let start = 0;
  return parts.flatMap((part) => {
    const spans = cut(part, start, marks);
    start += part.text.length;
    return spans;
  });
}

// The part, which begins at `start`, cut where a style begins or ends, without the signs.
function cut(part, start, marks) {
  const end = start + part.text.length;
  const edges = marks.flatMap(({ from, to }) => [from, from + 1, to - 1, to]).filter((at) => at > start && at < end);
  const bounds = [...new Set([start, ...edges, end])].sort((one, other) => one - other);
  return bounds.slice(1).flatMap((to, place) => {
    const from = bounds[place];
    const isSign = marks.some((mark) => (from === mark.from && to === from + 1) || (to === mark.to && from === to - 1));
    if (isSign) return [];
    const styles = marks.filter((mark) => mark.from <= from && to <= mark.to).map(({ style }) => [style, true]);
    return [{ ...part, text: part.text.slice(from - start, to - start), ...Object.fromEntries(styles) }];
  });
}
