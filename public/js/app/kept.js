// Values in storage may be another version's, or anybody's: each is read through one of these.
// A value that does not fit counts as absent.

const isText = (value) => typeof value === 'string';
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

export function asTexts(value) {
  return Array.isArray(value) ? value.filter(isText) : [];
}

/** `[{username, token?}]` */
export function asIdentities(value) {
  const isIdentity = (it) => isObject(it) && isText(it.username) && (it.token === undefined || isText(it.token));
  return Array.isArray(value) ? value.filter(isIdentity) : [];
}

/** `{username, rooms, hasAccount}` with one room at least, or null. */
export function asTab(value) {
  const rooms = isObject(value) ? asTexts(value.rooms) : [];
  const isTab = rooms.length > 0 && isText(value.username) && value.username !== '';
  return isTab ? { username: value.username, rooms, hasAccount: value.hasAccount === true } : null;
}

/** `{userId, username, role, at}` or null. */
export function asAccount(value) {
  const isAccount = asName(value) !== null && isText(value.userId) && value.userId !== '';
  if (!isAccount) return null;
  const role = isText(value.role) ? value.role : 'member';
  return { userId: value.userId, username: value.username, role, at: Number.isFinite(value.at) ? value.at : 0 };
}

/** The name in `{username}`, or null. */
export function asName(value) {
  return isObject(value) && isText(value.username) && value.username !== '' ? value.username : null;
}

/** The ways in as the server said them, or null; the state reads them. */
export function asAccess(value) {
  return isObject(value) ? value : null;
}

/** `{savedAt, rooms}`; what a room is made of is for `isKeptTimeline` to say. */
export function asHistory(value) {
  const isHistory = isObject(value) && Number.isFinite(value.savedAt) && Array.isArray(value.rooms);
  return isHistory ? { savedAt: value.savedAt, rooms: value.rooms } : { savedAt: 0, rooms: [] };
}

/** `{text, reply}`, where `reply` is the message that it answers, {seq, user_id, username, content}, or null; null for what is no draft. */
export function asDraft(value) {
  if (isText(value)) return { text: value, reply: null };
  if (!isObject(value) || !isText(value.text) || !isObject(value.reply)) return null;
  const { text, reply: { seq, user_id, username, content } } = value;
  return { text, reply: Number.isInteger(seq) && [user_id, username, content].every(isText) ? { seq, user_id, username, content } : null };
}

/** Rooms, each with an id; what else is in them is for the state to read. */
export function asRooms(value) {
  return Array.isArray(value) ? value.filter((it) => isObject(it) && isText(it.id)) : [];
}

/** Settings by name, each a word, a number or a switch. */
export function asPreferences(value) {
  const isSetting = ([, setting]) => ['string', 'number', 'boolean'].includes(typeof setting);
  return isObject(value) ? Object.fromEntries(Object.entries(value).filter(isSetting)) : {};
}
