// The language in use: texts with their slots filled, and the formats. Switching needs no reload;
// views ask again at their next update.

import { isolated } from './bidi.js';
import { createFormat } from './format.js';
import { LANGUAGES, TEXTS } from './texts.js';

/** The room that a visit begins in. */
export const FIRST_ROOM = 'general';

export function createI18n(language) {
  const i18n = {
    language: null,
    format: null,
    titleOf: () => null,
    // Changes whenever something must be said anew.
    version: null,
    /** `habits` is {digits, clock}, see createFormat. */
    use(next, habits = {}) {
      i18n.language = LANGUAGES.includes(next) ? next : LANGUAGES[0];
      i18n.format = createFormat(i18n.language, habits);
      i18n.version = JSON.stringify([i18n.language, habits]);
    },
    /** A text; numbers among the slots are written in the language's digits, and `room` is an id. Of a conversation there may be another one: it is no room to people. */
    text(key, slots = {}) {
      const text = (slots.room?.startsWith('@') && TEXTS[`${key}_talk`]) || TEXTS[key];
      return fill(chosen(text[i18n.language], slots, i18n.format), slots, i18n);
    },
    roomName: (id) => nameOf(id, i18n),
    /** `titleOf(id)` is the title of a room whose id the server has made, or null. */
    useTitles(titleOf) {
      i18n.titleOf = titleOf;
    },
    /** For texts that exist for some codes only. */
    has: (key) => Object.hasOwn(TEXTS, key),
  };
  i18n.use(language);
  return i18n;
}

/** The id of the room that a person calls so, in whichever language. */
export function roomOf(name) {
  return LANGUAGES.some((language) => name === TEXTS.room_general[language]) ? FIRST_ROOM : name;
}

// A room's id is its name; the first room has one in each language.
function nameOf(id, { language, titleOf }) {
  if (/^[!@]/.test(id)) return titleOf(id) ?? TEXTS[id.startsWith('@') ? 'conversation' : 'private_room'][language];
  return id === FIRST_ROOM ? TEXTS.room_general[language] : id;
}

/** The first of the browser's languages that we speak, else Bengali: it is the house's language. */
export function preferredLanguage(browserLanguages) {
  const codes = browserLanguages.map((tag) => tag.split('-')[0]);
  return codes.find((code) => LANGUAGES.includes(code)) ?? LANGUAGES[0];
}

function chosen(text, { count }, format) {
  return typeof text === 'string' ? text : text[format.plural(count)];
}

function fill(text, slots, i18n) {
  const { format } = i18n;
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = slots[name];
    if (typeof value === 'number') return format.number(value);
    return isolated(name === 'room' ? nameOf(value, i18n) : String(value));
  });
}
