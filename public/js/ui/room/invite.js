// Bringing a friend: the room's link to copy, to share, or to photograph.

import { qrMatrix } from '../../qr/matrix.js';
import { copied } from '../lib/clipboard.js';
import { closeDialog, openDialog } from '../lib/dialogs.js';
import { byId } from '../lib/markup.js';
import { addressOf } from '../page/address.js';

// The white around it that a camera needs.
const QUIET = 4;

export const linkTo = (room, seq = null) => new URL(addressOf(room, seq), document.baseURI).href;

export function invite({ i18n, store, tell }) {
  const link = byId('invite-link');
  byId('invite-share').hidden = !navigator.share;
  byId('invite-share').addEventListener('click', share);
  byId('invite-copy').addEventListener('click', async () => {
    const isCopied = await copied(link.value);
    if (!isCopied) return link.select();
    tell(i18n.text('link_copied'));
    return closeDialog(byId('invite'));
  });
  byId('empty-invite').addEventListener('click', open);

  function share() {
    const room = store.state.active;
    // A person who changes his mind is no error.
    navigator.share({ title: i18n.text('page_title', { room }), url: link.value }).catch(() => {});
  }

  function open() {
    link.value = linkTo(store.state.active);
    draw(qrMatrix(link.value));
    openDialog('invite');
  }

  function draw(rows) {
    const picture = byId('invite-qr');
    picture.toggleAttribute('hidden', rows === null);
    if (rows === null) return;
    const size = rows.length + 2 * QUIET;
    picture.setAttribute('viewBox', `0 0 ${size} ${size}`);
    picture.setAttribute('aria-label', i18n.text('invite_qr'));
    byId('invite-paper').setAttribute('d', `M0 0h${size}v${size}H0z`);
    const dots = rows.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x + QUIET} ${y + QUIET}h1v1h-1z` : '')));
    byId('invite-dots').setAttribute('d', dots.join(''));
  }

  return { open };
}
