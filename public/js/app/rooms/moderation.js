// The actions of moderators, as verbs. The server decides; each verb answers null, or the problem that kept it from being done.

import { isModerator } from '../../state/identity/identity.js';
import { problemOfOrder } from '../../state/rooms/moderation.js';
import { createAsking } from '../asking.js';

const PAGE = 50;

/** `account.tokenOf(userId)` is this page's token of a user, or undefined. */
export function createModeration({ store, api, account, timers, random }) {
  const token = () => account.tokenOf(store.state.me?.userId);
  // Until there is an answer the menu offers to lock and to mute, which may be done twice.
  const rules = createAsking({ timers, random, read, isWanted: (room) => isModerator(store.state.me) && store.state.rooms.get(room)?.isJoined });
  const readRules = (room) => rules.ask(room);

  store.subscribe((state, previous) => {
    const isJoined = ({ rooms, active }) => rooms.get(active)?.isJoined === true;
    const isNew = state.active !== previous.active || state.me?.role !== previous.me?.role || !isJoined(previous);
    if (isNew && isJoined(state)) readRules(state.active);
  });

  async function read(room) {
    const listed = await api.listMutes(room, token());
    if (store.state.rooms.has(room)) store.dispatch({ type: 'rules_listed', room, rules: listed });
  }

  async function tried(request, done = () => {}) {
    try {
      await request(token());
    } catch (error) {
      return problemOfOrder(error);
    }
    await done();
    return null;
  }

  async function list(name, ask, isMore) {
    const known = store.state.moderation[name];
    if (known.isLoading) return;
    store.dispatch({ type: 'moderation_asked', list: name });
    try {
      const page = await ask({ before: isMore ? known.next : null, limit: PAGE }, token());
      store.dispatch({ type: 'moderation_listed', list: name, page, isMore });
    } catch (error) {
      store.dispatch({ type: 'moderation_not_listed', list: name, problem: problemOfOrder(error) });
    }
  }

  return {
    /** Read the rules of a room again: other moderators change them, too. */
    readRules,
    kick: (room, userId) => tried((it) => api.kick(room, userId, it)),
    mute: (room, userId, seconds) => tried((it) => api.mute(room, userId, seconds, it), () => readRules(room)),
    unmute: (room, userId) => tried((it) => api.unmute(room, userId, it), () => readRules(room)),
    lock: (room) => tried((it) => api.lock(room, it), () => readRules(room)),
    unlock: (room) => tried((it) => api.unlock(room, it), () => readRules(room)),
    /** `how` is {seconds, reason}; for good if `seconds` is null. */
    ban: (userId, how) => tried((it) => api.ban(userId, how, it)),
    unban: (userId) => tried((it) => api.unban(userId, it), () => store.dispatch({ type: 'ban_lifted', userId })),
    /** From the newest on, or (`isMore`) what comes after the entries that are known. */
    listBans: (isMore = false) => list('bans', api.listBans, isMore),
    listAudit: (isMore = false) => list('audit', api.listAudit, isMore),
  };
}
