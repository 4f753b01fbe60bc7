// The choices of a person about the page: each choice one of a few words, a level for rooms that
// differ, and the people who are not to be seen here. Kept by the browser, alike in all its tabs.

/** The words of each choice; the first is what holds until somebody chooses. */
export const CHOICES = {
  language: ['bn', 'en'],
  digits: ['own', 'latin'],
  clock: ['auto', '12', '24'],
  theme: ['system', 'light', 'dark'],
  size: ['normal', 'small', 'large', 'largest'],
  density: ['comfortable', 'compact'],
  notices: ['show', 'condense', 'hide'],
  send_key: ['enter', 'ctrl_enter'],
  typing: ['on', 'off'],
  sounds: ['off', 'on'],
  notifications: ['off', 'on'],
  level: ['mentions', 'all', 'none'],
};

const IGNORED_MAX = 200;
const LEVELS_MAX = 200;

/** Settings from whatever was kept; `language` is the browser's, for a first visit. */
export function parseSettings(kept, language) {
  const chosen = isObject(kept) ? kept : {};
  const choice = ([name, words]) => [name, words.includes(chosen[name]) ? chosen[name] : words[0]];
  const settings = Object.fromEntries(Object.entries(CHOICES).map(choice));
  if (!CHOICES.language.includes(chosen.language)) settings.language = language;
  return { ...settings, levels: parseLevels(chosen.levels), ignored: parseIgnored(chosen.ignored) };
}

/** How loud a room is: its own level, or the one of all rooms. */
export function levelOf(settings, room) {
  return settings.levels.find((it) => it.room === room)?.level ?? settings.level;
}

/** Whether somebody wants to be told nothing of this room: its unread messages are then for its own row alone. */
export function isSilent(settings, room) {
  return settings.levels.some((it) => it.room === room && it.level === 'none');
}

/** `level` null: as all rooms. */
export function withLevel(settings, room, level) {
  const others = settings.levels.filter((it) => it.room !== room);
  const levels = level === null ? others : [{ room, level }, ...others].slice(0, LEVELS_MAX);
  return { ...settings, levels };
}

export function withIgnored(settings, { user_id, username }) {
  const others = settings.ignored.filter((it) => it.user_id !== user_id);
  return { ...settings, ignored: [{ user_id, username }, ...others].slice(0, IGNORED_MAX) };
}

export function withoutIgnored(settings, userId) {
  return { ...settings, ignored: settings.ignored.filter((it) => it.user_id !== userId) };
}

export function isIgnored(settings, userId) {
  return settings.ignored.some((it) => it.user_id === userId);
}

function parseLevels(kept) {
  const isLevel = (it) => isObject(it) && typeof it.room === 'string' && CHOICES.level.includes(it.level);
  return listOf(kept, isLevel).map(({ room, level }) => ({ room, level })).slice(0, LEVELS_MAX);
}

function parseIgnored(kept) {
  const isUser = (it) => isObject(it) && typeof it.user_id === 'string' && typeof it.username === 'string';
  return listOf(kept, isUser).map(({ user_id, username }) => ({ user_id, username })).slice(0, IGNORED_MAX);
}

const listOf = (kept, isFit) => (Array.isArray(kept) ? kept.filter(isFit) : []);
const isObject = (kept) => kept !== null && typeof kept === 'object' && !Array.isArray(kept);
