// Reports: pointing out a message or a person to moderators, and the list of reports that those read. The server decides; each verb
// answers null, or the problem that kept it from being done.

import { isModerator } from '../../state/identity/identity.js';
import { isOwner } from '../../state/rooms/my_rooms.js';
import { problemOfOrder } from '../../state/rooms/moderation.js';

const PAGE = 50;

/** `tokenOf()` is this page's token, also that of a guest. */
export function createReports({ store, api, tokenOf }) {
  const mayRead = (state) => isModerator(state.me) || (state.active !== null && isOwner(state, state.active));

  store.subscribe((state, previous, { type, frame }) => {
    const isOnline = ({ connection, me }) => connection.phase === 'online' && isModerator(me);
    const isNews = type === 'frame' && (frame.type === 'reports_changed' || frame.type === 'my_rooms_changed');
    if (mayRead(state) && ((isOnline(state) && !isOnline(previous)) || isNews)) list();
  });

  // Moderators read all reports, the owner of a private room those of that room.
  function ask(extent) {
    const { me, active } = store.state;
    return isModerator(me) ? api.listReports(extent, tokenOf()) : api.listRoomReports(active, extent, tokenOf());
  }

  async function list(isMore = false) {
    const { isLoading, next } = store.state.moderation.reports;
    if (isLoading && isMore) return;
    store.dispatch({ type: 'moderation_asked', list: 'reports' });
    try {
      const page = await ask({ before: isMore ? next : null, limit: PAGE });
      store.dispatch({ type: 'moderation_listed', list: 'reports', page, isMore });
    } catch (error) {
      store.dispatch({ type: 'moderation_not_listed', list: 'reports', problem: problemOfOrder(error) });
    }
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
