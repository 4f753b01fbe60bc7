// The language in use: texts with their slots filled, and the formats. Switching needs no reload;
// views ask again at their next update.

import { isolated } from './bidi.js';
import { createFormat } from './format.js';
import { LANGUAGES, TEXTS } from './texts.js';

export function createI18n(language) {
  const i18n = {
    language: null,
    format: null,
    // Changes whenever something must be said anew.
    version: null,
    /** `habits` is {digits, clock}, see createFormat. */
    use(next, habits = {}) {
      i18n.language = LANGUAGES.includes(next) ? next : LANGUAGES[0];
      i18n.format = createFormat(i18n.language, habits);
      i18n.version = JSON.stringify([i18n.language, habits]);
    },
    /** A text; numbers among the slots are written in the language's digits. */
    text: (key, slots = {}) => fill(chosen(TEXTS[key][i18n.language], slots, i18n.format), slots, i18n.format),
    /** For texts that exist for some codes only. */
    has: (key) => Object.hasOwn(TEXTS, key),
  };
  i18n.use(language);
  return i18n;
}

/** The first of the browser's languages that we speak, else Bengali: it is the house's language. */
export function preferredLanguage(browserLanguages) {
  const codes = browserLanguages.map((tag) => tag.split('-')[0]);
  return codes.find((code) => LANGUAGES.includes(code)) ?? LANGUAGES[0];
}

function chosen(text, { count }, format) {
  return typeof text === 'string' ? text : text[format.plural(count)];
}

function fill(text, slots, format) {
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = slots[name];
    return typeof value === 'number' ? format.number(value) : isolated(String(value));
  });
}
