// Whether the other one of a conversation sees how far we have read: a setting of the account, which the server keeps for all its pages.

import { hasAccount } from '../../state/identity/identity.js';
import { problemOfOrder } from '../../state/rooms/moderation.js';

/** See createChat for the parts. */
export function createSharing({ store, api, account }) {
  const token = () => account.tokenOf(store.state.me?.userId);

  store.subscribe((state, previous, { type, frame }) => {
    const isOnline = ({ connection, me }) => connection.phase === 'online' && hasAccount(me);
    const isNew = isOnline(state) && !isOnline(previous);
    // Another page of ours may have changed it.
    if (isNew || (type === 'frame' && frame.type === 'my_rooms_changed' && hasAccount(state.me))) read();
  });

  // Without an answer the settings show what is known.
  async function read() {
    const answer = await api.readSettings(token()).catch(() => null);
    if (typeof answer?.share_reading === 'boolean' && store.state.me) tell(answer.share_reading);
  }

  const tell = (isOn) => store.dispatch({ type: 'sharing_told', isOn });

  return {
    /** Null, or the problem that kept it from being changed. */
    async share(isOn) {
      try {
        await api.changeSettings({ share_reading: isOn }, token());
      } catch (error) {
        return problemOfOrder(error);
      }
      tell(isOn);
      return null;
    },
  };
}
