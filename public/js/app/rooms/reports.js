// Reports: pointing out a message or a person to moderators, and the list of reports that those read. The server decides; each verb
// answers null, or the problem that kept it from being done.

import { isModerator, isOnline } from '../../state/identity/identity.js';
import { isOwner } from '../../state/rooms/my_rooms.js';
import { problemOfOrder } from '../../state/rooms/moderation.js';
import { createAsking } from '../asking.js';

const PAGE = 50;

/** `tokenOf()` is this page's token, also that of a guest. */
export function createReports({ store, api, tokenOf, timers, random }) {
  const mayRead = (state) => isModerator(state.me) || (state.active !== null && isOwner(state, state.active));
  const listing = createAsking({ timers, random, read: () => read(false), isWanted: () => mayRead(store.state) && isOnline(store.state) });

  store.subscribe((state, previous, { type, frame }) => {
    const isNews = type === 'frame' && (frame.type === 'reports_changed' || frame.type === 'my_rooms_changed');
    if (isOnline(state) && !isOnline(previous) && isModerator(state.me)) listing.ask();
    else if (isNews && mayRead(state)) listing.askSoon();
  });

  // Moderators read all reports, the owner of a private room those of that room.
  function ask(extent) {
    const { me, active } = store.state;
    return isModerator(me) ? api.listReports(extent, tokenOf()) : api.listRoomReports(active, extent, tokenOf());
  }

  async function read(isMore) {
    const { next } = store.state.moderation.reports;
    store.dispatch({ type: 'moderation_asked', list: 'reports' });
    try {
      const page = await ask({ before: isMore ? next : null, limit: PAGE });
      store.dispatch({ type: 'moderation_listed', list: 'reports', page, isMore });
    } catch (error) {
      store.dispatch({ type: 'moderation_not_listed', list: 'reports', problem: problemOfOrder(error) });
      throw error;
    }
  }

  // From the newest on, or what comes after those that are known: then the one who asked sees the problem, and asks again.
  function list(isMore = false) {
    if (!isMore) return listing.ask();
    return store.state.moderation.reports.isLoading ? undefined : read(true).catch(() => {});
  }

  return {
    list,
    /** `about` is {seq} of a message, or {user_id}. */
    async report(room, about, reason) {
      try {
        await api.report(room, { ...about, reason }, tokenOf());
        return null;
      } catch (error) {
        return error.code === 'message_not_found' ? { key: 'report_gone', slots: {} } : problemOfOrder(error);
      }
    },
    /** Delete the message of a report: by REST, since this page need not be in its room. */
    async remove(room, seq) {
      try {
        await api.deleteMessage(room, seq, tokenOf());
      } catch (error) {
        if (error.code !== 'message_not_found') return problemOfOrder(error);
      }
      listing.ask();
      return null;
    },
    async settle(id) {
      try {
        await api.settleReport(id, tokenOf());
      } catch (error) {
        // Another moderator was faster.
        if (error.code !== 'not_found') return problemOfOrder(error);
      }
      store.dispatch({ type: 'report_settled', id });
      return null;
    },
  };
}
