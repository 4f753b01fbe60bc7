// Whether the other one of a conversation sees how far we have read: a setting of the account, which the server keeps for all its pages.

import { isOnline } from '../../state/identity/identity.js';
import { problemOfOrder } from '../../state/rooms/moderation.js';
import { createAsking } from '../asking.js';

/** See createChat for the parts. */
export function createSharing({ store, api, account, timers, random }) {
  const token = () => account.tokenOf(store.state.me?.userId);

  const reading = createAsking({ timers, random, read, isWanted: () => isOnline(store.state) });

  store.subscribe((state, previous, { type, frame }) => {
    if (isOnline(state) && !isOnline(previous)) reading.ask();
    // Another page of ours may have changed it.
    else if (type === 'frame' && frame.type === 'my_rooms_changed') reading.askSoon();
  });

  // Until there is an answer the settings show what is known.
  async function read() {
    const { userId } = store.state.me;
    const answer = await api.readSettings(token());
    if (typeof answer?.share_reading === 'boolean' && store.state.me?.userId === userId) tell(answer.share_reading);
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
