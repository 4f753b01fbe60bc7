// Texts and numbers in the language of the person who looks. The browser client keeps the choice, for both pages.

import { isolated } from '../i18n/bidi.js';
import { parseSettings } from '../state/settings/settings.js';
import { TEXTS } from './texts.js';

const LOCALES = { bn: 'bn-BD', en: 'en-GB' };
const KEY = 'adda.preferences';

/** The settings that the client has kept; of a first visitor, by the browser's languages. */
export function keptSettings(storage, browserLanguages) {
  const known = browserLanguages.map((tag) => tag.split('-')[0]).find((code) => code in LOCALES);
  return parseSettings(read(storage), known ?? 'bn');
}

/** Keeps the language beside the other settings. */
export function keepLanguage(storage, settings, language) {
  try {
    storage.setItem(KEY, JSON.stringify({ ...settings, language }));
  } catch {
    // A private window: it holds until the page is closed.
  }
}

/** `text(key, slots)` and `number(kind, value)` in a language; `digits` is 'own' or 'latin'. */
export function createLanguage({ language, digits }) {
  const locale = LOCALES[language] + (digits === 'latin' ? '-u-nu-latn' : '');
  const format = (options) => new Intl.NumberFormat(locale, options);
  const count = format({ maximumFractionDigits: 0 });
  const small = format({ maximumFractionDigits: 1 });
  const share = format({ style: 'percent', maximumFractionDigits: 0 });
  // With one decimal where it tells something.
  const brief = (value, most) => (value < most ? small : count).format(value);
  const formats = {
    rate: (value) => brief(value, 100),
    count: (value) => count.format(value),
    share: (value) => share.format(value),
    bytes: (value) => text('unit_mb', { value: count.format(value / 1e6) }),
    ms: (value) => text('unit_ms', { value: brief(value, 10) }),
  };
  function text(key, slots = {}) {
    return TEXTS[key][language].replace(/\{(\w+)\}/g, (_, name) => isolated(String(slots[name])));
  }
  return {
    language,
    text,
    number: (kind, value) => (value === null ? text('none') : formats[kind](value)),
  };
}

function read(storage) {
  try {
    return JSON.parse(storage.getItem(KEY));
  } catch {
    return null;
  }
}
