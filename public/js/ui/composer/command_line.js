// Carries out what begins with a slash, and asks about what it does not know.

import { roomCalled } from '../../state/finding/switcher.js';
import { roomOf } from '../../i18n/i18n.js';
import { asMessage, commandsFor, parseCommand } from '../../state/text/commands.js';
import { parseName, parseRoom, tidied } from '../../state/text/names.js';
import { openDialog } from '../lib/dialogs.js';
import { byId, setText } from '../lib/markup.js';
import { problemText } from '../lib/problems.js';
import { orderLine } from './order_line.js';

/** Returns `{take(text, send), clear}`; `take` is true if the text is done with and may be cleared. */
export function commandLine(page) {
  const { i18n, store, openRoom, leaveRoom, rename } = page;
  const box = byId('composer-ask');
  const button = byId('composer-ask-send');
  let sendAnyway = null;
  button.addEventListener('click', () => {
    const send = sendAnyway;
    clear();
    send?.();
    // The button is gone.
    byId('composer-input').focus();
  });

  // Without `send` there is nothing to do but to write it otherwise.
  function refuse(text, send = null) {
    sendAnyway = send;
    box.hidden = false;
    setText(byId('composer-ask-text'), text);
    button.hidden = send === null;
    return false;
  }

  function clear() {
    sendAnyway = null;
    box.hidden = true;
    setText(byId('composer-ask-text'), '');
  }

  const commands = {
    join: (text) => named('room', text.replace(/^#+/u, ''), parseRoom, (room) => openRoom(roomCalled(roomOf(room), [...store.state.rooms.keys(), ...store.state.roomDirectory.rooms.map(({ id }) => id)]))),
    nick: (text) => named('name', text, parseName, rename),
    me(action, send) {
      send(`/me ${action}`);
      return true;
    },
    leave() {
      leaveRoom(store.state.active);
      return true;
    },
    help() {
      openDialog('help');
      return true;
    },
    ...orderLine(page, refuse),
  };

  function named(field, text, parse, act) {
    const { room_name_chars: room, username_chars: name } = store.state.limits;
    const max = { room, name }[field];
    const { value, problem } = parse(tidied(text), max);
    if (problem) return refuse(problemText(i18n, { field, problem, text, max }));
    act(value);
    return true;
  }

  function take(text, send) {
    const command = parseCommand(text, commandsFor(store.state.me));
    if (command === null) {
      send(asMessage(text));
      return true;
    }
    if (command.kind === 'unknown') return refuse(i18n.text('command_unknown', { name: command.name }), () => send(text));
    if (command.kind === 'incomplete') return refuse(i18n.text(`command_needs_${command.needs}`));
    return commands[command.name](command.argument, send);
  }

  return { take, clear };
}
