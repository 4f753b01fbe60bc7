// Why something that was asked of a session will not happen.

/** `code` as in docs/protocol.md, or 'closed', 'expired', 'other_user', 'left', or the reason of a refused connection; `frame` is the server's error, if it sent one. */
export class SessionError extends Error {
  constructor(code, frame = null) {
    super(frame?.content ?? code);
    this.name = 'SessionError';
    Object.assign(this, { code, frame });
  }
}
