// A search for messages: what is sought where, what was found so far, and whether there is more.

const EMPTY = { text: '', room: null, isOpen: false, results: [], next: null, isLoading: false, isDone: false, problem: null };

export const search = {
  initial: {
    // `room` is the id of a room, or null for all of one's rooms; results are messages, the newest first; `isDone` once the server has answered.
    search: EMPTY,
  },
  events: {
    search_begun: (state, { text, room }) => ({ ...state, search: { ...EMPTY, text, room, isLoading: true } }),
    search_continued: (state) => changed(state, { isLoading: true, problem: null }),
    search_found: (state, { page: { data, next } }) =>
      changed(state, { results: merged(state.search.results, data), next: next ?? null, isLoading: false, isDone: true, problem: null }),
    search_failed: (state, { problem }) => changed(state, { isLoading: false, isDone: true, problem }),
    search_cleared: (state) => ({ ...state, search: EMPTY }),
    // Another person may read other rooms.
    identified: (state, { userId }) => (state.me === null || state.me.userIds.includes(userId) ? state : { ...state, search: EMPTY }),
  },
  frames: {
    delete: (state, change) => found(state, change, () => []),
    edit: (state, change) => found(state, change, (it) => [{ ...it, content: change.content }]),
  },
};

// Of the message that is changed `change` makes what is shown of it; the list stays the same where it was not found.
function found(state, { room_id: room, ref }, change) {
  const isIt = (it) => it.room_id === room && it.seq === ref;
  const { results } = state.search;
  return results.some(isIt) ? changed(state, { results: results.flatMap((it) => (isIt(it) ? change(it) : [it])) }) : state;
}

const changed = (state, fields) => ({ ...state, search: { ...state.search, ...fields } });

function merged(results, data) {
  const known = new Set(results.map(({ room_id: room, seq }) => `${room} ${seq}`));
  return [...results, ...data.filter(({ room_id: room, seq, deleted }) => !deleted && !known.has(`${room} ${seq}`))];
}

// The server ignores them as well: the joiners of Bengali conjuncts.
const IGNORED = /[\u200c\u200d]/g;
const SHOWN_BEFORE = 60;
const SHOWN_AFTER = 140;

/** `[{text, isFound}]`: the part of a message around the first place where it has the sought text, for a list. */
export function excerptOf(content, sought) {
  const line = content.replace(/\s+/gu, ' ').normalize('NFC');
  const { folded, places } = folding(line);
  const needle = folding(sought.trim().normalize('NFC')).folded;
  const at = needle === '' ? -1 : folded.indexOf(needle);
  if (at === -1) return [{ text: cut(line, 0, SHOWN_BEFORE + SHOWN_AFTER), isFound: false }];
  const from = places[at];
  const to = places[at + needle.length] ?? line.length;
  const begin = Math.max(0, from - SHOWN_BEFORE);
  return [{ text: (begin > 0 ? '…' : '') + cut(line, begin, from), isFound: false }, { text: line.slice(from, to), isFound: true },
    { text: cut(line, to, to + SHOWN_AFTER), isFound: false }].filter(({ text }) => text !== '');
}

// The text as it is compared, and where each unit of it stands in the text.
function folding(text) {
  let folded = '';
  const places = [];
  let at = 0;
  for (const character of text) {
    const units = character.replace(IGNORED, '').toLowerCase();
    for (let unit = 0; unit < units.length; unit += 1) places.push(at);
    folded += units;
    at += character.length;
  }
  return { folded, places };
}

// Never through a character of two units.
function cut(text, from, to) {
  return text.slice(from, to).replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '');
}
