// The people that a message names: a name as a word, with or without @, whatever its case.

const WORD_PART = /[\p{L}\p{M}\p{N}]/u;
const WORD_REST = /^[\p{L}\p{M}\p{N}]*/u;
// Bengali writes its endings behind a name without a space, one of each kind at most and in this order:
// the article, the case or plural, the emphasis. রহিমকে and রহিমেরই name রহিম; আমি does not name আম.
const ENDING = /^(?:টা|টি|জন)?(?:কে|র|ের|রা|েরা|দের|েদের|তে|েতে|ে|য়|য়ের)?(?:ই|ও)?$/u;
// No ending is longer; the rest of a long word is not worth reading.
const ENDING_MAX = 12;

/** Whether a message is about `me`: named by id, or by name. */
export function mentions({ content, mentions: ids = [] }, me) {
  return me !== null && (ids.some((id) => me.userIds.includes(id)) || isMentioned(content, me.username));
}

// No message names more people.
const MENTIONS_MAX = 50;

/** The ids of those of `people` whose names stand in a text behind an @; of several of one name, the ones in `chosen`. */
export function mentionedIn(content, people, chosen) {
  const named = [...chosen, ...people].filter(({ username }) => isMentioned(content, `@${username}`));
  const isFirst = ({ username, user_id: id }, at) => named.findIndex((it) => it.username === username) === at || chosen.some((it) => it.user_id === id);
  return [...new Set(named.filter(isFirst).map(({ user_id: id }) => id))].slice(0, MENTIONS_MAX);
}

export function isMentioned(content, username) {
  return placesOf(folded(content), folded(username)).length > 0;
}

/** `[{text, isName}]`: a text cut where the name stands in it, with the @ before it. */
export function splitNames(content, username) {
  const [text, name] = [folded(content), folded(username)];
  // Other places than those of the content: then the name is not shown.
  const places = text.length === content.length ? placesOf(text, name) : [];
  const parts = [];
  let from = 0;
  for (const place of places) {
    const start = content[place - 1] === '@' ? place - 1 : place;
    parts.push({ text: content.slice(from, start), isName: false }, { text: content.slice(start, place + name.length), isName: true });
    from = place + name.length;
  }
  return [...parts, { text: content.slice(from), isName: false }].filter(({ text: part }) => part !== '');
}

const folded = (text) => text.normalize('NFC').toLowerCase();

function placesOf(text, name) {
  const places = [];
  if (name === '') return places;
  for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + 1)) {
    if (at >= (places.at(-1) ?? -Infinity) + name.length && isStart(text, at) && isEnd(text, at + name.length)) places.push(at);
  }
  return places;
}

function isStart(text, at) {
  const isLowHalf = at > 1 && /[\udc00-\udfff]/.test(text[at - 1]);
  return at === 0 || !WORD_PART.test(text.slice(at - (isLowHalf ? 2 : 1), at));
}

function isEnd(text, at) {
  const [rest] = WORD_REST.exec(text.slice(at, at + ENDING_MAX + 1));
  return rest === '' || (rest.length <= ENDING_MAX && ENDING.test(rest));
}
