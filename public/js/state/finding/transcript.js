// A room's messages as a text that people read, a line a message.

/** `moment(at)` is a time in words, `deleted` stands for a message that is gone. */
export function transcript(messages, { moment, deleted }) {
  return messages.map(({ timestamp, username, content, reply_to: quoted, files = [], deleted: isDeleted }) => {
    const said = isDeleted ? `(${deleted})` : [quoted && !quoted.deleted ? `> ${quoted.username}: ${quoted.content.replace(/\n/g, ' ')}` : '', content,
      ...files.map(({ name }) => `[${name}]`)].filter((line) => line !== '').join('\n  ');
    return `${moment(Date.parse(timestamp))} · ${username}: ${said.replace(/\n(?! {2})/g, '\n  ')}`;
  }).join('\n');
}
