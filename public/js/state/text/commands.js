// Messages that begin with a slash are commands. Nothing is sent to a room by a slip of the finger.

export const COMMANDS = [
  { name: 'join', usage: '/join …', help: 'command_join', needs: 'room' },
  { name: 'me', usage: '/me …', help: 'command_me', needs: 'action' },
  { name: 'leave', usage: '/leave', help: 'command_leave', needs: null },
  { name: 'nick', usage: '/nick …', help: 'command_nick', needs: 'name' },
  { name: 'help', usage: '/help', help: 'command_help', needs: null },
];

/**
 * null for a message, else {kind: 'run', name, argument}, {kind: 'incomplete', name, needs} or
 * {kind: 'unknown', name}. Two slashes, and a path such as /etc/hosts, begin a message.
 */
export function parseCommand(text) {
  const match = /^\/([\p{L}\p{M}\p{N}_-]+)(?:\s+([^]*))?$/u.exec(text.trim());
  if (!match) return null;
  const name = match[1].toLowerCase();
  const argument = (match[2] ?? '').trim();
  const command = COMMANDS.find((it) => it.name === name);
  if (!command) return { kind: 'unknown', name };
  return command.needs !== null && argument === '' ? { kind: 'incomplete', name, needs: command.needs } : { kind: 'run', name, argument };
}

/** The text of a message that begins with two slashes has one. */
export function asMessage(text) {
  return text.startsWith('//') ? text.slice(1) : text;
}
