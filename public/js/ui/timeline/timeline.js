// The timeline of the room on screen: rows, scrolling, older and newer pages, the way back down.

import { activeRoom } from '../../state/chat.js';
import { sharedNames } from '../../state/finding/namesakes.js';
import { isPrivate } from '../../state/rooms/my_rooms.js';
import { peopleIn } from '../../state/rooms/room.js';
import { unreadAbove } from '../../state/rooms/unread.js';
import { withOwnChanges } from '../../state/outbox/changes.js';
import { pendingIn, rowsOf } from '../../state/timeline/rows.js';
import { rowsDrawn } from '../../state/timeline/rows_drawn.js';
import { seenRows } from '../../state/settings/seen_rows.js';
import { seenKey } from '../../state/timeline/seen.js';
import { MAX_ENTRIES } from '../../state/timeline/timeline.js';
import { PAGE_MESSAGES } from '../../state/timeline/pages.js';
import { keyedRows } from '../lib/keyed_rows.js';
import { byId, setAttribute, setText } from '../lib/markup.js';
import { refusalText } from '../room/removal.js';
import { failureButtons } from './message/failure.js';
import { quotationLinks } from './message/quotation.js';
import { createMessage, updateMessage } from './message/message.js';
import { messageMenu } from './message_menu.js';
import { createNotice, updateNotice } from './notice.js';
import { ownLinks, permalink } from './permalink.js';
import { reactionButtons } from './reactions/reactions.js';
import { refusedChanges } from './refused_changes.js';
import { scrollKeeper } from './scroll_keeper.js';

export function timeline(page) {
  const { i18n, chat, store, settings, hueOf, redraw } = page;
  const scroller = byId('timeline');
  const rows = byId('timeline-rows');
  const keeper = scrollKeeper(scroller, rows);
  const isMessage = (row) => row.kind === 'message';
  const show = keyedRows(
    rows,
    (row) => (isMessage(row) ? createMessage(row, page) : createNotice(row, page)),
    (element, row) => (isMessage(row) ? updateMessage : updateNotice)(element, row, page),
  );
  const link = permalink({ ...page, reveal });
  let shown = { room: null, entries: null };
  let shownRows = [];
  // Rows wait for the next drawing: some, and the last of all.
  let isBehind = false;
  let isCut = false;
  messageMenu({ ...page, rowOf: (key) => shownRows.find((row) => row.key === key) });

  failureButtons(rows, chat);
  refusedChanges(page);
  quotationLinks(rows, (seq) => page.openPlace({ room: store.state.active, seq }));
  reactionButtons(rows, (key, emoji, isOn) => chat.react(store.state.active, shownRows.find((row) => row.key === key).seq, emoji, isOn));
  ownLinks(rows, page.openPlace);
  scroller.addEventListener('scroll', () => follow(), { passive: true });
  byId('older-button').addEventListener('click', () => chat.loadOlder(store.state.active));
  byId('jump-latest').addEventListener('click', () => {
    jumpToLatest();
    // The button goes away; the keyboard stays where the reader is.
    scroller.focus({ preventScroll: true });
  });
  byId('jump-unread').addEventListener('click', () => {
    const room = activeRoom(store.state);
    link.seek(room.id, unreadAbove(room), true);
    update(store.state);
  });
  // The composer grows, a keyboard opens, a font arrives: who was at the bottom stays there.
  const stay = () => {
    store.dispatch({ type: 'screen_measured', rows: keeper.rowsInView() });
    if (activeRoom(store.state)?.timeline.isFollowing) keeper.toBottom();
  };
  if (globalThis.ResizeObserver) for (const element of [scroller, rows]) new ResizeObserver(stay).observe(element);
  else addEventListener('resize', stay);

  function update(state) {
    const room = activeRoom(state);
    if (!room) return;
    const isOpening = room.id !== shown.room || state.placed !== room.id;
    const isGrown = room.timeline.entries !== shown.entries;
    const entries = withOwnChanges(room.timeline.entries, state.outbox, room.id, state.me);
    const all = seenRows(rowsOf({ ...room, timeline: { ...room.timeline, entries } }, pendingIn(state.outbox, room.id), state.me), settings.current);
    const reader = { isFollowing: !isOpening && room.timeline.isFollowing, seq: link.soughtIn(room.id) };
    const next = rowsDrawn(all, shownRows, reader);
    const hasCaughtUp = isBehind && next === all;
    isBehind = next !== all;
    isCut = next.at(-1) !== all.at(-1);
    // The browser shows these first.
    if (isBehind) redraw();
    const list = dressed(next, room);
    shownRows = list;
    keeper.keep(room.timeline.isFollowing, () => {
      show(list, `${i18n.version} ${room.id} ${new Date(page.today()).toDateString()}`);
      updateEdges(room, list, peopleIn(room));
    });
    shown = { room: room.id, entries: room.timeline.entries };
    const divider = isOpening ? rows.querySelector('.divider--new') : null;
    if (divider) keeper.toTop(divider);
    updateJump(room);
    setAttribute(scroller, 'aria-label', i18n.text('timeline_label', { room: room.id }));
    if (isGrown || isOpening || hasCaughtUp) follow();
    if (!isBehind) link.pursue(room);
  }

  function reveal(row) {
    keeper.toMiddle(row);
    follow();
  }

  // The look of a row depends on the other people in the room.
  function dressed(list, room) {
    const names = sharedNames([...list.filter(isMessage), ...room.members]);
    const seen = seenKey(list, room.otherRead);
    return list.map((row) => (isMessage(row)
      ? { ...row, hue: hueOf(room.id, row.user_id ?? row.username), isShared: names.has(row.username), isSeen: row.key === seen } : row));
  }

  function updateEdges({ id, timeline: { hasOlder, entries, loading }, isJoined, refusal }, list, people) {
    const older = byId('older-button');
    const start = byId('timeline-start');
    const isSilent = !list.some(isMessage) && !hasOlder && isJoined;
    // The focus must not go with the button.
    if (!hasOlder && document.activeElement === older) scroller.focus({ preventScroll: true });
    older.hidden = !hasOlder;
    setText(older, i18n.text(loading === 'older' ? 'older_loading' : 'older'));
    byId('timeline-empty').hidden = !isSilent;
    // A link into a private room leads nobody in, and in a conversation nobody is the first.
    for (const part of ['empty-hint', 'empty-invite']) byId(part).hidden = isPrivate(id);
    setText(byId('timeline-empty-lead'), i18n.text(people > 1 || isPrivate(id) ? 'timeline_empty' : 'timeline_empty_lead'));
    start.hidden = hasOlder || isSilent || !(isJoined || refusal || entries.length > 0);
    setText(start, refusal ? refusalText(i18n, refusal) : i18n.text('timeline_start'));
  }

  function updateJump(room) {
    const { unread, timeline: { isFollowing, hasNewer, below: arrived } } = room;
    // Unlike `hidden`, this writes nothing that is there already: the browser would lay out once more.
    byId('jump-unread').toggleAttribute('hidden', unreadAbove(room) === null);
    byId('jump-latest').toggleAttribute('hidden', isFollowing && !hasNewer);
    const unseen = Math.max(arrived, unread);
    const below = hasNewer || unseen === 0 ? unseen : Math.min(unseen, keeper.messagesBelow());
    setText(byId('jump-latest-text'), below > 0 ? i18n.text('jump_latest_new', { count: below }) : i18n.text('jump_latest'));
  }

  // Tells the state where the reader is, and fetches what they are about to reach.
  function follow() {
    const room = activeRoom(store.state);
    // Between a change of room and its drawing the scroll position is the other room's.
    if (!room || room.id !== shown.room) return;
    const { hasNewer, isFollowing } = room.timeline;
    const isPlaced = store.state.placed === room.id;
    if (isFollowing && keeper.isResized()) keeper.toBottom();
    // A reader who is led to what is new is at its end once that is drawn.
    const isCutOff = isCut && !(isPlaced && isFollowing);
    const isAtEnd = keeper.isAtBottom(isFollowing) && !hasNewer && !isCutOff;
    if (isAtEnd !== isFollowing || !isPlaced) store.dispatch({ type: 'following_changed', room: room.id, isFollowing: isAtEnd });
    else updateJump(room);
    if (!isBehind && keeper.isNearTop() && !isShown(room, -1)) chat.loadOlder(room.id);
    if (hasNewer && !isBehind && keeper.isNearBottom() && !isShown(room, 0)) chat.loadNewer(room.id);
  }

  // A page more cuts the other end off: not while that is before the reader's eyes.
  function isShown({ timeline: { entries } }, end) {
    const isCut = entries.length + PAGE_MESSAGES > MAX_ENTRIES;
    const cut = end === 0 ? PAGE_MESSAGES : -PAGE_MESSAGES;
    const edge = [...rows.querySelectorAll('.message')].at(cut);
    return isCut && edge !== undefined && keeper.isInView(edge);
  }

  function jumpToLatest() {
    const room = activeRoom(store.state);
    if (room?.timeline.hasNewer) chat.loadNewest(room.id);
    keeper.toBottom();
  }

  /** A page up (-1) or down (1), from wherever the focus is. */
  function turn(pages) {
    scroller.scrollTop += pages * scroller.clientHeight * 0.9;
  }

  return { update, jumpToLatest, turn, seek: link.seek };
}
