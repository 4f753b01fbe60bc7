// The text behind a moderator's command: a person, a length of time, and a reason.

import { signOf } from './namesakes.js';
import { parseDuration } from './durations.js';

const folded = (text) => text.normalize('NFC').toLowerCase();

/**
 * `{person, rest}`: the one of `people` ({user_id, username}) whose name `text` begins with, and what follows it; the longest name
 * counts, and a sign (`রহিম #1a2`) tells people of one name apart. Else {problem: 'nobody_named' | 'several_named', name}.
 */
export function personNamed(text, people) {
  const sought = text.replace(/^@/, '');
  const written = people.flatMap((person) => [person.username, `${person.username} ${signOf(person.user_id)}`].map((name) => ({ name, person })));
  const fitting = written.filter(({ name }) => begins(sought, name));
  const longest = Math.max(0, ...fitting.map(({ name }) => name.length));
  const found = fitting.filter(({ name }) => name.length === longest);
  if (found.length === 0) return { problem: 'nobody_named', name: sought };
  const { name } = found[0];
  if (new Set(found.map(({ person }) => person.user_id)).size > 1) return { problem: 'several_named', name, sign: signOf(found[0].person.user_id) };
  return { person: found[0].person, rest: sought.normalize('NFC').slice(name.normalize('NFC').length).trim() };
}

// A name ends with the text or a blank; a comma or a colon is how one speaks to people.
function begins(text, name) {
  const start = folded(text);
  const end = folded(name);
  return start === end || start.startsWith(`${end} `);
}

/** `{seconds, rest}`: the length of time that `text` begins with, or null for none. */
export function durationIn(text) {
  const [first, ...others] = text.split(/\s+/u);
  const seconds = parseDuration(first);
  return seconds === null ? { seconds, rest: text } : { seconds, rest: others.join(' ') };
}

/** Those whose name `text` is the beginning of, by name; for completing. */
export function peopleBeginning(text, people) {
  const sought = folded(text.replace(/^@/, ''));
  return people.filter(({ username }) => folded(username).startsWith(sought));
}
