// The room in the page's address: /?room=NAME or /#NAME. Never anything that proves who one is.

import { parseRoom, tidied } from '../../state/names.js';

// The server says its limit later; this spares the work on what no server takes.
const LONGEST_ROOM = 1_024;

export function roomInAddress({ search, hash }) {
  const asked = new URLSearchParams(search).get('room') || decoded(hash.slice(1));
  return parseRoom(tidied(asked), LONGEST_ROOM).value ?? null;
}

export function showRoomInAddress(room) {
  history.replaceState(null, '', room === null ? '/' : `/?room=${encodeURIComponent(room)}`);
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
