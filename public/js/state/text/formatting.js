// The little markup that people write in messages: fenced and inline code, *bold*, _italic_,
// ~struck~, quotes and lists. It says what is what; drawing is another's business.

import { styledSpans } from './styled_spans.js';

const FENCE = /^```[\w+-]*$/;
const QUOTE = /^>(?: |$)/;
const ITEM = /^(?:[-*•]|([0-9০-৯]{1,3})[.)।]) +(?=\S)/u;
// More blank lines than this are room that others would have to scroll through.
const BLANKS_MAX = 2;
// One line with a dash is how people write speech.
const ITEMS_MIN = 2;

/**
 * `[{kind: 'text' | 'quote', spans} | {kind: 'code', text} | {kind: 'list', isOrdered, start, items: [spans]}]`;
 * a span is {text, isBold?, isItalic?, isStruck?, isCode?, href?, host?}.
 */
export function formatted(text) {
  const blocks = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length;) {
    const { block, end } = blockAt(lines, at);
    const last = blocks.at(-1);
    if (block.kind === 'text' && last?.kind === 'text') last.lines.push(...block.lines);
    else blocks.push(block);
    at = end;
  }
  return blocks.length === 1 ? blocks.map(finished) : blocks.map(withoutEdges).filter(({ lines }) => lines?.length !== 0).map(finished);
}

/** The text without its signs, for those who get it as a text alone. */
export function plainText(text) {
  const joined = (spans) => spans.map((span) => span.text).join('');
  return formatted(text).map((block) => (block.kind === 'code' ? block.text : (block.items ?? [block.spans]).map(joined).join('\n'))).join('\n');
}

function blockAt(lines, at) {
  if (FENCE.test(lines[at])) {
    const close = lines.indexOf('```', at + 1);
    if (close !== -1) return { block: { kind: 'code', text: lines.slice(at + 1, close).join('\n') }, end: close + 1 };
  }
  if (QUOTE.test(lines[at])) {
    const end = runEnd(lines, at, (line) => QUOTE.test(line));
    return { block: { kind: 'quote', lines: lines.slice(at, end).map((line) => line.replace(/^> ?/, '')) }, end };
  }
  const isSameList = (line) => ITEM.test(line) && (ITEM.exec(line)[1] === undefined) === (ITEM.exec(lines[at])?.[1] === undefined);
  const end = ITEM.test(lines[at]) ? runEnd(lines, at, isSameList) : at;
  if (end - at >= ITEMS_MIN) return { block: { kind: 'list', lines: lines.slice(at, end) }, end };
  return { block: { kind: 'text', lines: [lines[at]] }, end: at + 1 };
}

function runEnd(lines, at, belongs) {
  let end = at + 1;
  while (end < lines.length && belongs(lines[end])) end += 1;
  return end;
}

// A blank line beside a block is room that the block has anyway.
function withoutEdges(block) {
  if (block.kind !== 'text') return block;
  const isFull = (line) => line.trim() !== '';
  const first = block.lines.findIndex(isFull);
  return { ...block, lines: first === -1 ? [] : block.lines.slice(first, block.lines.findLastIndex(isFull) + 1) };
}

function finished({ kind, text, lines }) {
  if (kind === 'code') return { kind, text };
  if (kind !== 'list') return { kind, spans: styledSpans(squeezed(lines).join('\n')) };
  const number = ITEM.exec(lines[0])[1];
  const items = lines.map((line) => styledSpans(line.replace(ITEM, '')));
  return { kind, isOrdered: number !== undefined, start: numberOf(number ?? '1'), items };
}

function squeezed(lines) {
  let blanks = 0;
  return lines.filter((line) => {
    blanks = line.trim() === '' ? blanks + 1 : 0;
    return blanks <= BLANKS_MAX;
  });
}

function numberOf(digits) {
  return Number(digits.replace(/[০-৯]/g, (digit) => digit.charCodeAt(0) - '০'.charCodeAt(0)));
}
