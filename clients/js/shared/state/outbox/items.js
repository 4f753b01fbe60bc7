// Our messages that no ack has confirmed yet, in the order they were written:
//
//   {nonce, username, room, content, createdAt, state, reason, userId, sentAt, retryAt, echoId, reply, mentions, files, change}
//
// state is 'queued', 'sending' or 'failed'; of a change also 'held' and 'acked', see changes.js. The nonce stays the same for ever: the
// server posts a (user, room, nonce) once, so sending again is safe, but only as the same user.

// An ack that takes longer than this was lost with something we could not see.
export const ACK_LIMIT_MS = 15_000;
// A server forgets a nonce after 24 h; then sending again could post twice.
const NONCE_LASTS_MS = 23 * 60 * 60_000;
// How much earlier than our clock's time of writing a server may date an echo.
const CLOCK_SKEW_MS = 60_000;
// Nothing says when a locked room is opened, or a mute ended early: messages wait, in their order, and are tried from time to time.
export const RULE_RETRY_MS = 20_000;
// A node may learn a moment late that a rule has ended: the first try comes soon.
const FIRST_RETRY_MS = 2_000;

const WAITING = new Set(['queued', 'sending']);
const RULES = new Set(['muted', 'room_locked']);
const CHANGES = new Set(['edit', 'delete', 'reaction']);

/** `reply` is the message that it answers, {seq, user_id, username, content}; `mentions` are ids of people, `files` those of the server. */
export function newItem({ nonce, username, room, content, now, reply = null, mentions = [], files = [], change = null }) {
  return { nonce, username, room, content, createdAt: now, state: 'queued', reason: null,
    userId: null, sentAt: null, retryAt: 0, echoId: null, reply, mentions, files, change };
}

/** The parts of a message as the server has them: without those that are empty. */
export function partsOf({ content, reply, mentions, files }) {
  return { content, ...(reply ? { reply_to: reply } : {}), ...(mentions.length > 0 ? { mentions } : {}), ...(files.length > 0 ? { files } : {}) };
}

/** An item older than a nonce lasts may be posted already, and its nonce could not tell: ask. */
export function withAgedFailed(outbox, serverNow) {
  if (!outbox.some((item) => isAged(item, serverNow))) return outbox;
  return outbox.map((item) => (isAged(item, serverNow) ? { ...item, state: 'failed', reason: 'expired', echoId: null } : item));
}

export function isAged(item, serverNow) {
  return WAITING.has(item.state) && serverNow - item.createdAt >= NONCE_LASTS_MS;
}

/** The next item of a room to put on the wire: one at a time, so that order survives a refusal. */
export function nextToSend(outbox, room, now) {
  const first = outbox.find((item) => item.room === room && WAITING.has(item.state));
  return first?.state === 'queued' && first.retryAt <= now ? first : null;
}

export function withSending(outbox, nonce, userId, now) {
  return changed(outbox, nonce, () => ({ state: 'sending', userId, sentAt: now }));
}

export function withoutItem(outbox, nonce) {
  return outbox.some((item) => item.nonce === nonce) ? outbox.filter((item) => item.nonce !== nonce) : outbox;
}

/** An error frame about this item: try again later, or let the writer decide. */
export function withRefusal(outbox, { nonce, code, retry_after_ms: retryAfterMs }, now) {
  const toldMs = retryAfterMs > 0 ? retryAfterMs : (code === 'unavailable' ? 1_000 : Infinity);
  return changed(outbox, nonce, ({ retryAt }) => {
    const waitMs = RULES.has(code) ? Math.min(toldMs, retryAt === 0 ? FIRST_RETRY_MS : RULE_RETRY_MS) : toldMs;
    return Number.isFinite(waitMs)
      ? { state: 'queued', retryAt: now + waitMs, echoId: null }
      : { state: 'failed', reason: code, echoId: null };
  });
}

/** The socket is lost: items under way are sent again on the next one. */
export function requeueInFlight(outbox) {
  return outbox.map((item) => (item.state === 'sending' ? { ...item, state: 'queued', retryAt: 0 } : item));
}

/** The server closed for good because of an item under way: sending it again would only repeat that. */
export function failInFlight(outbox, reason) {
  return outbox.map((item) => (item.state === 'sending' ? { ...item, state: 'failed', reason } : item));
}

export function withOverdueQueued(outbox, now) {
  return outbox.map((item) =>
    item.state === 'sending' && now - item.sentAt >= ACK_LIMIT_MS ? { ...item, state: 'queued' } : item,
  );
}

/** Sent as somebody else before: it may be posted already and no nonce could tell. Ask. */
export function failOtherUsers(outbox, userId) {
  return outbox.map((item) =>
    item.userId !== null && item.userId !== userId && WAITING.has(item.state)
      ? { ...item, state: 'failed', reason: 'other_user' }
      : item,
  );
}

export function withRetry(outbox, nonce, serverNow) {
  return changed(outbox, nonce, ({ createdAt, reason }) => ({
    // Its time begins anew: it was asked about.
    state: 'queued', reason: null, userId: null, retryAt: 0, createdAt: reason === 'expired' ? serverNow : createdAt }));
}

// Our message came through the room before its ack. Messages carry no nonce, so this is a guess
// by content that hides the pending row; only the ack removes the item.
function findEcho(outbox, message, me) {
  if (message.user_id !== me?.userId) return null;
  const said = comparable(message.content);
  return outbox.find((item) =>
    item.room === message.room_id && item.userId === me.userId && item.echoId === null && item.change === null &&
    item.state !== 'failed' && comparable(item.content) === said &&
    Date.parse(message.timestamp) >= item.createdAt - CLOCK_SKEW_MS) ?? null;
}

/** The items of which one of `messages` is the echo know it. */
export function withEchoes(outbox, messages, me) {
  return messages.reduce((items, message) => {
    const item = findEcho(items, message, me);
    return item ? changed(items, item.nonce, () => ({ echoId: message.id })) : items;
  }, outbox);
}

/** An item as storage keeps it over a reload; one that was under way is sent again. */
export function keptItem({ nonce, username, room, content, createdAt, state, reason, userId, reply, mentions, files, change }) {
  return { nonce, username, room, content, createdAt, state: state === 'failed' ? state : 'queued', reason, userId, reply, mentions, files, change };
}

/** The items of `username`, with those that storage kept, in the order of writing. Other users' items are dropped. */
export function withRestored(outbox, username, kept) {
  const there = outbox.filter((item) => item.username === username);
  if (kept.length === 0 && there.length === outbox.length) return outbox;
  return [...kept.map(restoredItem), ...there].sort((one, other) => one.createdAt - other.createdAt);
}

function restoredItem({ tab, ...kept }) {
  const { state, reason, userId = null } = kept;
  return { ...newItem({ ...kept, now: kept.createdAt }), state, reason, userId };
}

/** Is this what `keptItem` made? Another version, or anybody, may have written it. */
export function isKeptItem(item) {
  const isText = (value) => typeof value === 'string' && value !== '';
  return typeof item === 'object' && item !== null && [item.nonce, item.username, item.room].every(isText) && typeof item.content === 'string' &&
    Number.isFinite(item.createdAt) && (item.state === 'queued' || item.state === 'failed') && hasKeptParts(item) && isKeptChange(item);
}

// Is the change of a kept item one that this version knows? A message has none.
function isKeptChange({ change }) {
  if (change == null) return true;
  const isReaction = change.kind !== 'reaction' || (typeof change.emoji === 'string' && typeof change.on === 'boolean');
  return CHANGES.has(change.kind) && Number.isInteger(change.ref) && isReaction;
}

// Of a version before, an item has none of them.
function hasKeptParts({ reply, mentions, files }) {
  const isReply = reply == null || (Number.isInteger(reply.seq) && [reply.user_id, reply.username, reply.content].every((it) => typeof it === 'string'));
  const isList = (value, isFit) => value === undefined || (Array.isArray(value) && value.every(isFit));
  return isReply && isList(mentions, (it) => typeof it === 'string') && isList(files, (it) => typeof it?.id === 'string' && typeof it.name === 'string');
}

function changed(outbox, nonce, change) {
  return outbox.map((item) => (item.nonce === nonce ? { ...item, ...change(item) } : item));
}

function comparable(text) {
  return text.normalize('NFC').trim();
}
