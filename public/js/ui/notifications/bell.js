// The bell over the list of rooms: how many notifications were not seen, and the list of them.

import { unseenNotices } from '../../state/identity/notices.js';
import { openDialog, toggleDialog } from '../lib/dialogs.js';
import { keyedRows } from '../lib/keyed_rows.js';
import { plainText } from '../../state/text/formatting.js';
import { byId, cloned, setAttribute, setText } from '../lib/markup.js';
import { contentOf } from '../timeline/message/content.js';

export function bell({ i18n, store, settings, tell, redraw }) {
  const button = byId('bell');
  const dialog = byId('notices');
  const show = keyedRows(byId('notice-list'), () => cloned('bell-notice-template', i18n), updateNotice);
  button.addEventListener('click', () => {
    toggleDialog('notices');
    redraw();
  });

  store.subscribe((state, previous, { type, frame }) => {
    if (type !== 'frame' || frame.type !== 'notification' || state.notices === previous.notices) return;
    const { title, content } = state.notices.find(({ id }) => id === frame.id) ?? {};
    if (content === undefined) return;
    if (dialog.hasAttribute('open')) return;
    const text = plainText(content);
    tell([title, text].filter(Boolean).join(': ').slice(0, 200), { label: i18n.text('show'), run: open });
    if (!state.isAttentive && settings.current.notifications === 'on' && globalThis.Notification?.permission === 'granted') notify(frame.id, title, text);
  });

  // Phones let only a service worker show one; there the list has it.
  function notify(id, title, content) {
    try {
      new Notification(title || i18n.text('app_name'), { body: content, lang: i18n.language, icon: 'icon-192.png', tag: `notice ${id}` });
    } catch {
      navigator.serviceWorker?.ready.then((worker) => worker.showNotification(title || i18n.text('app_name'), { body: content, tag: `notice ${id}` }));
    }
  }

  function open() {
    openDialog('notices');
    redraw();
  }

  function updateNotice(item, { title, content, at }) {
    setText(item.querySelector('.bell-notice__title'), title);
    item.querySelector('.bell-notice__content').replaceChildren(...contentOf(content));
    const time = item.querySelector('time');
    time.dateTime = new Date(at).toISOString();
    setText(time, i18n.format.moment(at));
  }

  return {
    update(state) {
      const unseen = unseenNotices(state);
      button.hidden = state.notices.length === 0;
      byId('bell-unseen').hidden = unseen === 0;
      setAttribute(button, 'aria-label', unseen > 0 ? i18n.text('bell_unseen', { count: unseen }) : i18n.text('bell'));
      if (!dialog.hasAttribute('open')) return;
      show(state.notices.map((notice) => ({ ...notice, key: notice.id, isSeen: true })), i18n.version);
      if (unseen > 0) store.dispatch({ type: 'notices_seen' });
    },
  };
}
