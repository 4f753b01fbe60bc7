// The composer's completions: emoji after `:na`, people after an @, commands after a slash, and people after a command about somebody.

import { emojiNamed } from '../../i18n/emoji.js';
import { activeRoom } from '../../state/chat.js';
import { sharedNames, signOf } from '../../state/finding/namesakes.js';
import { peopleBeginning } from '../../state/finding/orders.js';
import { mentionable, peopleOf } from '../../state/identity/rights.js';
import { bannedPeople } from '../../state/rooms/moderation.js';
import { commandsFor } from '../../state/text/commands.js';
import { combobox } from '../lib/combobox.js';
import { byId, cloned, setText } from '../lib/markup.js';

// Two letters: a colon and one are 10:3 or a smile.
const EMOJI = /(?:^|[\s(])(:([\p{L}\p{M}_]{2,24}))$/u;
// Names have blanks.
const MENTION = /(?:^|[\s(])(@([^\s@][^\n@]{0,40})?)$/u;
const COMMAND = /^\/([a-z]*)$/i;
const ORDER = /^\/([a-z]+) +([^\n]*)$/i;
// As many as fit on a phone above its keyboard.
const MOST_SHOWN = 8;
const CHOSEN_KEPT = 50;

/** Returns the combobox with `named()`: the people {user_id, username} that were chosen to be named. */
export function completions({ i18n, store }) {
  const input = byId('composer-input');
  let chosen = [];
  const box = combobox({ input, list: byId('completions'), suggest, create, update, choose, isEager: true });
  return { ...box, named: () => chosen };

  function suggest() {
    const before = input.value.slice(0, input.selectionStart);
    const command = COMMAND.exec(input.value);
    if (command) return commandsLike(command[1].toLowerCase());
    const order = ORDER.exec(input.value);
    if (order && isAboutSomebody(order[1].toLowerCase())) return peopleLike(order[1].toLowerCase(), order[2]);
    // Before the mention: a name may have blanks, so it reaches far.
    const emoji = EMOJI.exec(before);
    const fitting = emoji ? emojiNamed(emoji[2]) : [];
    if (fitting.length > 0) return fitting.map(({ sign, name }) => ({ key: sign, text: sign, note: `:${name}`, replaces: emoji[1].length }));
    const mention = MENTION.exec(before);
    return mention ? mentionsLike(mention[1], mention[2] ?? '') : [];
  }

  function commandsLike(begin) {
    const fitting = commandsFor(store.state.me).filter(({ name }) => name.startsWith(begin) && name !== begin);
    return fitting.slice(0, MOST_SHOWN).map(({ name, usage, help, needs }) => (
      { key: name, text: needs ? `/${name} ` : `/${name}`, note: i18n.text(help), label: usage, replaces: input.value.length }));
  }

  function isAboutSomebody(command) {
    return commandsFor(store.state.me).some(({ name, needs }) => name === command && needs === 'person');
  }

  // Somebody who is banned is not here: the list of bans has them.
  function peopleLike(command, begin) {
    const people = command === 'unban' ? bannedPeople(store.state) : peopleOf(activeRoom(store.state), store.state.me);
    const shared = sharedNames(people);
    const named = peopleBeginning(begin, people).map((it) => ({ ...it, name: shared.has(it.username) ? `${it.username} ${signOf(it.user_id)}` : it.username }));
    return named.filter(({ name }) => name !== begin).slice(0, MOST_SHOWN).map(({ user_id: key, name }) => (
      { key, text: `${name} `, label: name, note: '', replaces: begin.length }));
  }

  function mentionsLike(written, begin) {
    const people = mentionable(store.state, store.state.active);
    const shared = sharedNames(people);
    // A whole name is done: Enter sends.
    const fitting = peopleBeginning(begin, people).filter(({ username }) => username !== begin || shared.has(username));
    return fitting.slice(0, MOST_SHOWN).map((person) => ({ key: person.user_id, text: `@${person.username} `, person,
      label: shared.has(person.username) ? `${person.username} ${signOf(person.user_id)}` : person.username, note: i18n.text('mention_note'), replaces: written.length }));
  }

  function create() {
    return cloned('room-suggestion-template', i18n);
  }

  function update(option, { text, label, note }) {
    setText(option.querySelector('.suggestions__name'), label ?? text);
    setText(option.querySelector('.suggestions__note'), note);
  }

  // As if it had been typed, so that the browser can undo it and the draft is kept.
  function choose({ text, replaces, person }) {
    if (person) chosen = [person, ...chosen.filter(({ username }) => username !== person.username)].slice(0, CHOSEN_KEPT);
    const end = input.selectionStart;
    input.setRangeText(text, end - replaces, end, 'end');
    input.dispatchEvent(new Event('input', { bubbles: true }));
  }
}
