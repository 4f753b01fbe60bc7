// The public names of the library; README.md describes them.

import { changedMessage } from './shared/state/timeline/changed_message.js';

export { connect } from './client.js';
export { SessionError } from './errors.js';
export { createApi, Refusal } from './shared/net/api.js';
export { newNonce } from './shared/app/nonce.js';

/** A message with a change in it that may be there already. */
export function withChange(message, change) {
  if (change.ref !== message.seq || change.seq <= (message.changed ?? 0)) return message;
  return { ...changedMessage(message, change), changed: change.seq };
}
