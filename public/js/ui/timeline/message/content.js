// A message's text as nodes: its blocks and spans, never markup of its writer's.

import { formatted } from '../../../state/text/formatting.js';
import { splitNames } from '../../../state/text/mentions.js';
import { styledSpans } from '../../../state/text/styled_spans.js';

/** The children of a `.message__content`; `name` is marked where it stands as a word. */
export function contentOf(content, name = '') {
  return formatted(content).map((block) => blocks[block.kind](block, name));
}

/** The same for an action: one paragraph that begins with its writer's name. */
export function actionContent(username, action, name = '') {
  const paragraph = filled('p', styledSpans(action), name);
  const writer = document.createElement('bdi');
  writer.textContent = username;
  paragraph.prepend(writer, ' ');
  return [paragraph];
}

const blocks = {
  text: ({ spans }, name) => filled('p', spans, name),
  quote: ({ spans }, name) => filled('blockquote', spans, name),
  code({ text }) {
    const block = document.createElement('pre');
    const code = document.createElement('code');
    // Code reads from left to right, and wider than the bubble it scrolls: by keys too.
    Object.assign(block, { dir: 'ltr', tabIndex: 0 });
    code.textContent = text;
    block.append(code);
    return block;
  },
  list({ isOrdered, start, items }, name) {
    const list = document.createElement(isOrdered ? 'ol' : 'ul');
    if (isOrdered) list.start = start;
    list.append(...items.map((spans) => filled('li', spans, name)));
    return list;
  },
};

function filled(tag, spans, name) {
  const element = document.createElement(tag);
  element.append(...spans.flatMap((span) => namesOf(span, name)).map(nodeOf));
  return element;
}

// An address and code are no words.
function namesOf(span, name) {
  return name === '' || span.href || span.isCode ? [span] : splitNames(span.text, name).map((part) => ({ ...span, ...part }));
}

function nodeOf(span) {
  let node = span.href ? linkOf(span) : document.createTextNode(span.text);
  if (span.isName) node = wrapped('mark', node);
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
