// The page's icon, with the number of unread messages drawn on it.

import { badgeOf } from '../../state/rooms/badge.js';
import { totalUnread } from '../../state/chat.js';
import { isSilent } from '../../state/settings/settings.js';

const SIZE = 64;
const RADIUS = 22;
const COLOURS = { disc: '#b3261e', rim: '#fff', number: '#fff' };

/** Returns `update(state)`, which may be called while the page is hidden. */
export function favicon({ i18n, settings }) {
  const link = document.querySelector('link[rel="icon"]');
  const plain = { href: link.href, type: link.type };
  const cup = new Image(SIZE, SIZE);
  let shown = '';
  let wanted = '';

  cup.addEventListener('load', draw);

  function draw() {
    if (wanted === shown || (wanted !== '' && !(cup.complete && cup.naturalWidth > 0))) return;
    shown = wanted;
    Object.assign(link, shown === '' ? plain : { href: drawn(cup, shown), type: '' });
  }

  return function update(state) {
    const badge = badgeOf(totalUnread(state, (room) => isSilent(settings.current, room)));
    wanted = textOf(badge, i18n);
    if (wanted !== '' && !cup.src) cup.src = plain.href;
    draw();
  };
}

function textOf(badge, i18n) {
  if (badge === null) return '';
  return badge === 'many' ? '•' : i18n.format.number(badge);
}

function drawn(cup, text) {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: SIZE, height: SIZE });
  const pen = canvas.getContext('2d');
  // A browser may refuse to draw.
  if (!pen) return cup.src;
  pen.drawImage(cup, 0, 0, SIZE, SIZE);
  const at = SIZE - RADIUS;
  disc(pen, at, RADIUS, COLOURS.rim);
  disc(pen, at, RADIUS - 3, COLOURS.disc);
  pen.fillStyle = COLOURS.number;
  pen.font = `bold ${[...text].length === 1 ? 34 : 26}px "Noto Sans Bengali", system-ui, sans-serif`;
  pen.textAlign = 'center';
  pen.textBaseline = 'middle';
  pen.fillText(text, at, at + 2);
  return canvas.toDataURL('image/png');
}

function disc(pen, at, radius, colour) {
  pen.fillStyle = colour;
  pen.beginPath();
  pen.arc(at, at, radius, 0, 2 * Math.PI);
  pen.fill();
}
