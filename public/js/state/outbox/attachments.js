// Files on their way to the server, which a message will carry: {key, room, name, type, size, state, sent, info, problem}.
// `state` is 'uploading', 'done' (`info` is the server's) or 'failed' (`problem` is {key, slots} of a text); `sent` is a share from 0 to 1.

// More than anybody looks at in one message.
export const FILES_A_MESSAGE = 10;

export const attachments = {
  initial: { attachments: [] },
  events: {
    file_added: (state, { file, problem }) => ({ ...state,
      attachments: [...state.attachments, { ...file, state: problem === null ? 'uploading' : 'failed', sent: 0, info: null, problem }] }),
    file_progressed: (state, { key, sent }) => changed(state, key, { sent }),
    file_uploaded: (state, { key, info }) => changed(state, key, { state: 'done', sent: 1, info }),
    file_failed: (state, { key, problem }) => changed(state, key, { state: 'failed', problem }),
    file_retried: (state, { key }) => changed(state, key, { state: 'uploading', sent: 0, problem: null }),
    file_removed: (state, { key }) => ({ ...state, attachments: state.attachments.filter((it) => it.key !== key) }),
    room_left: (state, { room }) => (state.attachments.some((it) => it.room === room) ? { ...state, attachments: state.attachments.filter((it) => it.room !== room) } : state),
    // A file is of its uploader.
    identified: (state, { userId }) => (state.me === null || state.me.userIds.includes(userId) ? state : { ...state, attachments: [] }),
  },
};

const changed = (state, key, fields) => ({ ...state, attachments: state.attachments.map((it) => (it.key === key ? { ...it, ...fields } : it)) });

export function attachmentsIn(state, room) {
  return state.attachments.filter((it) => it.room === room);
}

/** 'none', 'uploading', 'failed' or 'done': what holds a message back that carries them. */
export function readinessOf(files) {
  if (files.length === 0) return 'none';
  if (files.some(({ state }) => state === 'failed')) return 'failed';
  return files.some(({ state }) => state === 'uploading') ? 'uploading' : 'done';
}

/** Whether the server takes files at all: one of a version before names no limit of theirs. */
export function takesFiles({ limits }) {
  return limits.file_bytes > 0;
}

const KINDS = [['image', /^image\/(?:png|jpeg|gif|webp|avif)$/], ['audio', /^audio\//], ['video', /^video\/(?:mp4|webm|ogg)$/]];

/** How a file is shown: 'image', 'audio', 'video' or 'card'. */
export function kindOf({ type }) {
  return KINDS.find(([, pattern]) => pattern.test(type))?.[0] ?? 'card';
}

/** The size at which a picture of known measures is shown, within `most` pixels a side; null where they are not known. */
export function shownSize({ width, height }, most) {
  if (!(width > 0) || !(height > 0)) return null;
  const scale = Math.min(1, most / width, most / height);
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}
