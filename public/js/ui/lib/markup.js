// The page's own markup: finding it, cloning its templates, putting the language's texts in.
// Nothing here or elsewhere parses HTML; text is always a text node.

export const byId = (id) => document.getElementById(id);

/** The first element of a template, translated once, and copied. */
export function cloned(templateId, i18n) {
  const { content } = byId(templateId);
  if (content.version !== i18n.version) translate(content, i18n);
  content.version = i18n.version;
  return content.firstElementChild.cloneNode(true);
}

/** Puts texts where data-text, data-label (aria-label) and data-hint (placeholder) ask for them. */
export function translate(root, i18n) {
  for (const element of root.querySelectorAll('[data-text], [data-label], [data-hint]')) {
    const { text, label, hint } = element.dataset;
    if (text !== undefined) setText(element, i18n.text(text));
    if (label !== undefined) setAttribute(element, 'aria-label', i18n.text(label));
    if (hint !== undefined) setAttribute(element, 'placeholder', i18n.text(hint));
  }
}

// Writing what is there already would make the browser lay out and screen readers look again.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A text with a time that passes: the eye sees it pass, and a voice says it once for each `key`. */
export function setPassingText(element, text, key) {
  if (element.dataset.passing !== key || element.childElementCount !== 2) {
    element.dataset.passing = key;
    const [spoken, shown] = [document.createElement('span'), document.createElement('span')];
    spoken.className = 'visually-hidden';
    spoken.textContent = text;
    shown.setAttribute('aria-hidden', 'true');
    element.replaceChildren(spoken, shown);
  }
  setText(element.lastElementChild, text);
}

export function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}
