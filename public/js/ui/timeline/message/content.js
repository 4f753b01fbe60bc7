// A message's text as nodes: its blocks and spans, never markup of its writer's.

import { formatted } from '../../../state/text/formatting.js';
import { styledSpans } from '../../../state/text/styled_spans.js';

/** The children of a `.message__content`. */
export function contentOf(content) {
  return formatted(content).map((block) => blocks[block.kind](block));
}

/** The same for an action: one paragraph that begins with its writer's name. */
export function actionContent(username, action) {
  const paragraph = filled('p', styledSpans(action));
  const name = document.createElement('bdi');
  name.textContent = username;
  paragraph.prepend(name, ' ');
  return [paragraph];
}

const blocks = {
  text: ({ spans }) => filled('p', spans),
  quote: ({ spans }) => filled('blockquote', spans),
  code({ text }) {
    const block = document.createElement('pre');
    const code = document.createElement('code');
    // Code reads from left to right, and wider than the bubble it scrolls: by keys too.
    Object.assign(block, { dir: 'ltr', tabIndex: 0 });
    code.textContent = text;
    block.append(code);
    return block;
  },
  list({ isOrdered, start, items }) {
    const list = document.createElement(isOrdered ? 'ol' : 'ul');
    if (isOrdered) list.start = start;
    list.append(...items.map((spans) => filled('li', spans)));
    return list;
  },
};

function filled(name, spans) {
  const element = document.createElement(name);
  element.append(...spans.map(nodeOf));
  return element;
}

function nodeOf(span) {
  let node = span.href ? linkOf(span) : document.createTextNode(span.text);
  for (const [style, name] of [['isCode', 'code'], ['isItalic', 'em'], ['isStruck', 's'], ['isBold', 'strong']]) {
    if (span[style]) node = wrapped(name, node);
  }
  return node;
}

function wrapped(name, node) {
  const element = document.createElement(name);
  element.append(node);
  return element;
}

function linkOf({ text, href, host }) {
  const link = document.createElement('a');
  Object.assign(link, { href, rel: 'noopener noreferrer nofollow', target: '_blank', textContent: text });
  if (host) link.dataset.host = host;
  return link;
}
