// How many lines a text takes, roughly, before it is laid out.

/** `perLine` is how many characters a line holds. Stops counting at `enough`. */
export function linesOf(text, perLine, enough) {
  let lines = 0;
  let start = 0;
  while (start <= text.length && lines < enough) {
    const end = text.indexOf('\n', start);
    const length = (end === -1 ? text.length : end) - start;
    lines += Math.max(1, Math.ceil(length / perLine));
    if (end === -1) break;
    start = end + 1;
  }
  return Math.min(lines, enough);
}
