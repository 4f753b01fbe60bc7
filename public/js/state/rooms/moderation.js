// The rules of rooms, and for moderators the bans and the record of moderation.

import { namesSeen } from '../finding/names_seen.js';
import { isModerator } from '../identity/identity.js';

const EMPTY = { entries: [], next: null, isLoading: false, problem: null };

export const moderation = {
  initial: {
    moderation: {
      // By room {isLocked, mutes: Map of user id → end}, as moderators read them.
      rules: new Map(),
      // Entries as the server lists them, the newest first.
      bans: EMPTY,
      audit: EMPTY,
      reports: EMPTY,
    },
  },
  events: {
    // Another person may read less.
    identified: (state, { userId }) => (state.me === null || state.me.userIds.includes(userId) ? state : { ...state, moderation: moderation.initial.moderation }),
    room_left: (state, { room }) => withRules(state, room, null),
    rules_listed: (state, { room, rules: { data, locked } }) =>
      withRules(state, room, { isLocked: locked === true, mutes: new Map(data.map(({ user_id: id, until }) => [id, Date.parse(until)])) }),
    moderation_asked: (state, { list }) => changed(state, list, (it) => ({ ...it, isLoading: true, problem: null })),
    moderation_listed: (state, { list, page, isMore }) => changed(state, list, (it) => withPage(it, page, isMore)),
    moderation_not_listed: (state, { list, problem }) => changed(state, list, (it) => ({ ...it, isLoading: false, problem })),
    report_settled: (state, { id }) => changed(state, 'reports', (it) => ({ ...it, entries: it.entries.filter((report) => report.id !== id) })),
    ban_lifted: (state, { userId }) => changed(state, 'bans', (it) => ({ ...it, entries: it.entries.filter(({ user_id: id }) => id !== userId) })),
  },
  frames: {
    delete: (state, change) => reported(state, change, { content: '', deleted: true }),
    edit: (state, change) => reported(state, change, { content: change.content }),
  },
};

// A report shows its message as it is now.
function reported(state, { room_id: room, ref }, fields) {
  const isIt = (it) => it.room_id === room && it.seq === ref && it.message && !it.message.deleted;
  if (!state.moderation.reports.entries.some(isIt)) return state;
  return changed(state, 'reports', (it) => ({ ...it, entries: it.entries.map((report) => (isIt(report) ? { ...report, message: { ...report.message, ...fields } } : report)) }));
}

/** Whether only moderators write in a room: as they read it in its rules, and as others are refused. */
export function isLocked(state, room) {
  if (isModerator(state.me)) return state.moderation.rules.get(room)?.isLocked === true;
  return state.restrictions.inRooms.get(room)?.kind === 'room_locked';
}

/** Whether somebody is muted in a room, as moderators have read it; `serverNow` in milliseconds of the server's clock. */
export function isMuted(state, room, userId, serverNow) {
  return (state.moderation.rules.get(room)?.mutes.get(userId) ?? 0) > serverNow;
}

/** The banned, each with the name that this page knows, or else the id in its place. */
export function bannedPeople(state) {
  const names = namesSeen(state);
  return state.moderation.bans.entries.map((ban) => ({ ...ban, username: names.get(ban.user_id) ?? ban.user_id }));
}

function withRules(state, room, rules) {
  const all = new Map(state.moderation.rules);
  if (rules === null) all.delete(room);
  else all.set(room, rules);
  return { ...state, moderation: { ...state.moderation, rules: all } };
}

const changed = (state, list, change) => ({ ...state, moderation: { ...state.moderation, [list]: change(state.moderation[list]) } });

function withPage(list, { data, next }, isMore) {
  return { entries: isMore ? [...list.entries, ...data] : data, next: next ?? null, isLoading: false, problem: null };
}

const KNOWN = new Set(['forbidden', 'auth_required', 'too_fast', 'unavailable']);

/** Why an order was not carried out, as {key, slots} of a text; `error` is what the call of the API was rejected with. */
export function problemOfOrder({ status, code = null, details = {} }) {
  if (status === undefined) return { key: 'order_unreached', slots: {} };
  if (!KNOWN.has(code)) return { key: 'order_failed', slots: {} };
  return { key: `order_${code}`, slots: { count: Math.max(1, Math.ceil((details.retry_after_ms ?? 1_000) / 1_000)) } };
}
