// The page's address names a room, and perhaps a message in it. /?room=NAME#SEQ, or /#NAME
// as people write it by hand. Never anything that proves who one is.

import { parseRoom, tidied } from '../../state/text/names.js';

// The server says its limit later; this spares the work on what no server takes.
const LONGEST_ROOM = 1_024;
// Private rooms and conversations have ids that the server makes.
const SERVERS_OWN = /^[!@][\w-]{8,128}$/;

/** `{room, seq}`, each null if the address does not name it. */
export function placeInAddress({ search, hash }) {
  const asked = new URLSearchParams(search).get('room');
  const named = tidied(asked || decoded(hash.slice(1)));
  const room = SERVERS_OWN.test(named) ? named : (parseRoom(named, LONGEST_ROOM).value ?? null);
  const seq = asked && /^#[1-9]\d{0,15}$/.test(hash) ? Number(hash.slice(1)) : null;
  return { room, seq };
}

/** Whether the page was opened to make the first admin of a new server. */
export function isSetupPage({ pathname }) {
  return /\/setup$/.test(pathname);
}

/** The place that a link leads to, if it leads into this page; else null. */
export function placeOfLink(href) {
  const [link, page] = [new URL(href), new URL('.', document.baseURI)];
  const place = placeInAddress(link);
  return link.origin === page.origin && link.pathname === page.pathname && place.room !== null ? place : null;
}

/** The address of a place, relative to the page, which may be served below any path of its host. */
export function addressOf(room, seq = null) {
  if (room === null) return '.';
  return `?room=${encodeURIComponent(room)}${seq === null ? '' : `#${seq}`}`;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
