// Whether a message names somebody: the name as a word, with or without @, whatever its case.

const WORD = /[\p{L}\p{M}\p{N}]/u;

export function isMentioned(content, username) {
  const text = content.normalize('NFC').toLowerCase();
  const name = username.normalize('NFC').toLowerCase();
  for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + 1)) {
    // Bengali endings stand right behind a name: রহিমকে is রহিম.
    const isEnd = !WORD.test(text.slice(at + name.length)[0] ?? '') || /\p{Script=Bengali}/u.test(name);
    if (isEnd && !WORD.test([...text.slice(0, at)].at(-1) ?? '')) return true;
  }
  return false;
}
