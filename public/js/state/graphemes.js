// What a reader calls one character: a letter with its marks, an emoji with its parts.

/** The first one of a text. `Segmenter` is that of Intl, which older browsers lack. */
export function firstGrapheme(text, Segmenter = globalThis.Intl?.Segmenter) {
  if (!Segmenter) return simplest(text);
  const [first] = new Segmenter(undefined, { granularity: 'grapheme' }).segment(text);
  return first?.segment ?? '';
}

// A flag, or a character with the marks on it; of a conjunct the first letter.
const SIMPLEST = /^(?:\p{Regional_Indicator}{2}|\P{M}\p{M}{0,8})/u;

function simplest(text) {
  return SIMPLEST.exec(text)?.[0] ?? '';
}
