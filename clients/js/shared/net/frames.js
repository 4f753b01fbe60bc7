// Frames that the client sends to a room.

/** The frame of an item of the outbox: a message, or a change of one. */
export function frameOf({ room, nonce, content, reply, mentions, files, change }) {
  const head = { room_id: room, nonce };
  if (change === null) {
    return { type: 'text', ...head, content, ...(reply ? { reply_to: reply.seq } : {}),
      ...(mentions.length > 0 ? { mentions } : {}), ...(files.length > 0 ? { files: files.map(({ id }) => id) } : {}) };
  }
  const { kind, ref, emoji, on } = change;
  if (kind === 'edit') return { type: 'edit', ...head, ref, content };
  return kind === 'delete' ? { type: 'delete', ...head, ref } : { type: 'react', ...head, ref, emoji, on };
}
