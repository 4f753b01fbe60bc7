// Tells of messages that come while nobody looks: a notification and a sound, as the settings say.
// Asked for only when somebody turns them on.

import { createNotifyOnce } from '../../app/tabs/notify_once.js';
import { levelOf, isIgnored } from '../../state/settings/settings.js';
import { spokenText } from '../../state/text/actions.js';
import { isConversation } from '../../state/rooms/my_rooms.js';
import { mentions } from '../../state/text/mentions.js';
import { byId, setText } from '../lib/markup.js';
import { addressOf, placeInAddress } from '../page/address.js';
import { chime } from './chime.js';

export function notifications({ i18n, store, settings, tabs, timers, openPlace }) {
  const notifyOnce = createNotifyOnce({ store, tabs, timers });

  store.subscribe((state, previous, { type, frame }) => {
    if (type !== 'frame' || state.isAttentive) return;
    const message = newsOf(frame, previous);
    if (message && isWanted(message, state)) notifyOnce(message, () => tell(message));
  });
  for (const list of document.querySelectorAll('[data-setting="notifications"]')) {
    list.addEventListener('change', () => list.value === 'on' && ask());
  }

  // A click on what the service worker has shown, see sw.js.
  navigator.serviceWorker?.addEventListener('message', ({ data }) => {
    const place = data?.type === 'open' ? placeInAddress(new URL(data.address, document.baseURI)) : { room: null };
    if (place.room !== null && store.state.active !== null) openPlace(place);
  });

  // A message of a room that we are in, or one that another room has for us. Either may come again.
  function newsOf(frame, { rooms, myRooms, me }) {
    if (frame.type === 'text') return frame.seq > (rooms.get(frame.room_id)?.timeline.head ?? Infinity) ? frame : null;
    if (frame.type !== 'inbox' || me === null || frame.seq <= (myRooms.get(frame.room_id)?.seq ?? 0)) return null;
    const { room_id, seq, from, preview, mention } = frame;
    return { room_id, seq, ...from, content: preview, mentions: mention ? [me.userId] : [] };
  }

  function isWanted(message, { me }) {
    if (me === null || me.userIds.includes(message.user_id) || isIgnored(settings.current, message.user_id)) return false;
    const level = levelOf(settings.current, message.room_id);
    // Words to us alone are ours as those with our name.
    return level === 'all' || (level === 'mentions' && (isConversation(message.room_id) || mentions(message, me)));
  }

  function tell(message) {
    if (settings.current.sounds === 'on') chime();
    if (settings.current.notifications !== 'on' || globalThis.Notification?.permission !== 'granted') return;
    const options = { body: spokenText(message), lang: i18n.language, icon: 'icon-192.png',
      // Tabs that can't agree replace what another has shown: the same tag.
      tag: `${message.room_id} ${message.seq}`, data: { address: addressOf(message.room_id, message.seq) } };
    const title = isConversation(message.room_id) ? message.username : i18n.text('notification_title', { name: message.username, room: message.room_id });
    show(title, options, () => openPlace({ room: message.room_id, seq: message.seq }));
  }

  async function ask() {
    const answer = globalThis.Notification ? await Notification.requestPermission() : 'denied';
    if (answer !== 'granted') settings.choose('notifications', 'off');
    setText(byId('notifications-blocked'), answer === 'granted' ? '' : i18n.text('notifications_blocked'));
  }
}

// Phones let only a service worker show one.
function show(title, options, open) {
  try {
    const notification = new Notification(title, options);
    notification.addEventListener('click', () => {
      window.focus();
      open();
      notification.close();
    });
  } catch {
    navigator.serviceWorker?.ready.then((worker) => worker.showNotification(title, options));
  }
}
