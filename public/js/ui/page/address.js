// The room in the page's address: /?room=NAME or /#NAME. Never anything that proves who one is.

import { parseName } from '../../state/names.js';

export function roomInAddress({ search, hash }) {
  const asked = new URLSearchParams(search).get('room') || decoded(hash.slice(1));
  return parseName(asked, Infinity).value ?? null;
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
