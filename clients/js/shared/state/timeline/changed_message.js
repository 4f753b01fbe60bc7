// One message with a change in it: an edit, a deletion, a reaction.

// As many people of a reaction are named by the server.
const USERS_NAMED = 20;

/** A message with a change {type, …} in it. */
export function changedMessage(message, change) {
  if (message.deleted) return message;
  if (change.type === 'edit') return edited(message, change);
  return change.type === 'delete' ? deleted(message) : { ...message, reactions: withReaction(message.reactions ?? {}, change) };
}

// The text of an edit that is read back is empty once the message is deleted.
function edited(message, { content, timestamp }) {
  return { ...message, content, edited_at: timestamp };
}

function deleted({ reply_to: _quoted, reactions: _reactions, files: _files, mentions: _mentions, ...message }) {
  return { ...message, content: '', deleted: true };
}

/** `{emoji: {count, users}}` after a person has reacted, or (`on` false) taken that back. */
export function withReaction(reactions, { emoji, on, user_id: userId }) {
  const { count = 0, users = [] } = reactions[emoji] ?? {};
  const isThere = users.includes(userId);
  if (on === isThere && (on || count <= users.length)) return reactions;
  const { [emoji]: _, ...others } = reactions;
  if (on) return { ...reactions, [emoji]: { count: count + 1, users: [...users, userId].slice(0, USERS_NAMED) } };
  return count <= 1 ? others : { ...reactions, [emoji]: { count: count - 1, users: users.filter((id) => id !== userId) } };
}
