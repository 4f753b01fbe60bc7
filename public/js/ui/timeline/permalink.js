// Leads to one message: scrolls to it, marks it for a moment, and loads the page around it if need be.

import { byId } from '../lib/markup.js';
import { placeOfLink } from '../page/address.js';

const MARKED_MS = 4_000;

/** `reveal(row)` scrolls. `seek` sets the message to find, `soughtIn(room)` is its seq or null, `pursue` is called once all rows are drawn. */
export function permalink({ i18n, chat, tell, reveal }) {
  let sought = null;

  /** `isFrom`: the first message from `seq` on. */
  function seek(room, seq, isFrom = false) {
    sought = { room, seq, isFrom, isAsked: false };
  }

  function rowSought({ seq, isFrom, isAsked }, { loading }) {
    const rows = byId('timeline-rows');
    if (!isFrom) return rows.querySelector(`.message[data-seq="${seq}"]`);
    const all = [...rows.querySelectorAll('.message[data-seq]')];
    const found = all.find((it) => Number(it.dataset.seq) >= seq);
    // The page may begin behind it.
    return found !== all[0] || (isAsked && loading === null) ? found : undefined;
  }

  function pursue({ id, isJoined, refusal, timeline }) {
    if (sought?.room !== id) return;
    if (refusal) return end();
    const row = rowSought(sought, timeline);
    if (row) return found(row);
    if (!isJoined || timeline.loading !== null) return;
    if (sought.isAsked) {
      tell(i18n.text('message_gone'));
      return end();
    }
    sought.isAsked = true;
    chat.loadAround(id, sought.seq);
  }

  function found(row) {
    end();
    reveal(row);
    row.focus({ preventScroll: true });
    row.classList.add('message--marked');
    setTimeout(() => row.classList.remove('message--marked'), MARKED_MS);
  }

  function end() {
    sought = null;
  }

  const soughtIn = (room) => (sought?.room === room ? sought.seq : null);

  return { seek, soughtIn, pursue };
}

/** A link in a message to a place in this page needs no other tab. */
export function ownLinks(rows, openPlace) {
  rows.addEventListener('click', (event) => {
    const link = event.target.closest('a[href]');
    const place = link && !event.ctrlKey && !event.metaKey && !event.shiftKey ? placeOfLink(link.href) : null;
    if (!place) return;
    event.preventDefault();
    openPlace(place);
  });
}
