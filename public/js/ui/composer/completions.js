// The composer's completions: emoji after `:na`, commands after a slash.

import { emojiNamed } from '../../i18n/emoji.js';
import { COMMANDS } from '../../state/text/commands.js';
import { combobox } from '../lib/combobox.js';
import { byId, cloned, setText } from '../lib/markup.js';

// Two letters: a colon and one are 10:3 or a smile.
const EMOJI = /(?:^|[\s(])(:([\p{L}\p{M}_]{2,24}))$/u;
const COMMAND = /^\/([a-z]*)$/i;

export function completions({ i18n }) {
  const input = byId('composer-input');
  return combobox({ input, list: byId('completions'), suggest, create, update, choose, isEager: true });

  function suggest() {
    const before = input.value.slice(0, input.selectionStart);
    const command = COMMAND.exec(input.value);
    if (command) return commandsLike(command[1].toLowerCase());
    const emoji = EMOJI.exec(before);
    return emoji ? emojiNamed(emoji[2]).map(({ sign, name }) => ({ key: sign, text: sign, note: `:${name}`, replaces: emoji[1].length })) : [];
  }

  function commandsLike(begin) {
    return COMMANDS.filter(({ name }) => name.startsWith(begin) && name !== begin).map(({ name, usage, help, needs }) => (
      { key: name, text: needs ? `/${name} ` : `/${name}`, note: i18n.text(help), label: usage, replaces: input.value.length }));
  }

  function create() {
    return cloned('room-suggestion-template', i18n);
  }

  function update(option, { text, label, note }) {
    setText(option.querySelector('.suggestions__name'), label ?? text);
    setText(option.querySelector('.suggestions__note'), note);
  }

  // As if it had been typed, so that the browser can undo it and the draft is kept.
  function choose({ text, replaces }) {
    const end = input.selectionStart;
    input.setRangeText(text, end - replaces, end, 'end');
    input.dispatchEvent(new Event('input', { bubbles: true }));
  }
}
