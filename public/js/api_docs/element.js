// Elements, with texts as text nodes.

/** An element with properties and children; children that are null are left out. */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** The nodes of a description: what it has between backticks becomes code, as in Markdown. */
export function prose(text) {
  return text.split('`').map((part, index) => (index % 2 === 0 ? part : element('code', { textContent: part })));
}
