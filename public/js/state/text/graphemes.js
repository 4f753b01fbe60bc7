// Characters as a reader counts them: a letter with its marks, an emoji with its parts.

// A segmenter takes longer to make than to use.
const segmenters = new Map();

/** The first one of a text. `Segmenter` is that of Intl, which older browsers lack. */
export function firstGrapheme(text, Segmenter = globalThis.Intl?.Segmenter) {
  if (!Segmenter) return simplest(text);
  const [first] = segmenterOf(Segmenter).segment(text);
  return first?.segment ?? '';
}

/** How many of them must go from the end until the text has at most `max` code points. */
export function graphemesOver(text, max, Segmenter = globalThis.Intl?.Segmenter) {
  const lengths = Segmenter
    ? Array.from(segmenterOf(Segmenter).segment(text), ({ segment }) => [...segment].length)
    : [...text].map(() => 1);
  let left = lengths.reduce((sum, length) => sum + length, 0);
  let over = 0;
  for (; left > max; over += 1) left -= lengths[lengths.length - 1 - over];
  return over;
}

function segmenterOf(Segmenter) {
  if (!segmenters.has(Segmenter)) segmenters.set(Segmenter, new Segmenter(undefined, { granularity: 'grapheme' }));
  return segmenters.get(Segmenter);
}

// A flag, or a character with the marks on it; of a conjunct the first letter.
const SIMPLEST = /^(?:\p{Regional_Indicator}{2}|\P{M}\p{M}{0,8})/u;

function simplest(text) {
  return SIMPLEST.exec(text)?.[0] ?? '';
}
