// Messages that begin with a slash are commands. Nothing is sent to a room by a slip of the finger.

import { mayOrder } from '../identity/rights.js';

export const COMMANDS = [
  { name: 'join', usage: '/join …', help: 'command_join', needs: 'room' },
  { name: 'me', usage: '/me …', help: 'command_me', needs: 'action' },
  { name: 'leave', usage: '/leave', help: 'command_leave', needs: null },
  { name: 'nick', usage: '/nick …', help: 'command_nick', needs: 'name' },
  { name: 'help', usage: '/help', help: 'command_help', needs: null },
  { name: 'kick', usage: '/kick …', help: 'command_kick', needs: 'person', order: 'kick' },
  { name: 'mute', usage: '/mute … 10m', help: 'command_mute', needs: 'person', order: 'mute' },
  { name: 'unmute', usage: '/unmute …', help: 'command_unmute', needs: 'person', order: 'unmute' },
  { name: 'ban', usage: '/ban …', help: 'command_ban', needs: 'person', order: 'ban' },
  { name: 'unban', usage: '/unban …', help: 'command_unban', needs: 'person', order: 'unban' },
  { name: 'lock', usage: '/lock', help: 'command_lock', needs: null, order: 'lock' },
  { name: 'unlock', usage: '/unlock', help: 'command_unlock', needs: null, order: 'unlock' },
];

/** Those that somebody may give: the orders of moderators are for them alone. */
export function commandsFor(me) {
  return COMMANDS.filter(({ order }) => order === undefined || mayOrder(me, order));
}

/**
 * null for a message, else {kind: 'run', name, argument}, {kind: 'incomplete', name, needs} or
 * {kind: 'unknown', name}; `commands` are those that the writer may give. Two slashes, and a path such as /etc/hosts, begin a message.
 */
export function parseCommand(text, commands = COMMANDS) {
  const match = /^\/([\p{L}\p{M}\p{N}_-]+)(?:\s+([^]*))?$/u.exec(text.trim());
  if (!match) return null;
  const name = match[1].toLowerCase();
  const argument = (match[2] ?? '').trim();
  const command = commands.find((it) => it.name === name);
  if (!command) return { kind: 'unknown', name };
  return command.needs !== null && argument === '' ? { kind: 'incomplete', name, needs: command.needs } : { kind: 'run', name, argument };
}

/** The text of a message that begins with two slashes has one. */
export function asMessage(text) {
  return text.startsWith('//') ? text.slice(1) : text;
}
