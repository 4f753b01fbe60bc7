// The actions of a person, as verbs. Connects the transport, the REST API, the storage and the
// store; knows no page, so the tests drive it with a fake socket and a fake clock.

import { hasAccount } from '../state/identity/identity.js';
import { isPrivate } from '../state/rooms/my_rooms.js';
import { isRemoved } from '../state/rooms/room.js';
import { createLeaving } from './account/leaving.js';
import { createNotices } from './account/notices.js';
import { createReturning } from './account/returning.js';
import { createHistory } from './messages/history.js';
import { createKeptOutbox } from './outbox/kept_outbox.js';
import { createSending } from './outbox/sending.js';
import { createPages } from './messages/pages.js';
import { createReading } from './rooms/reading.js';
import { createWriting } from './messages/writing.js';
import { createSharedReading } from './tabs/shared_reading.js';

/**
 * @param {object} parts
 *   store, storage, api, tabs, account
 *   timers            {setTimeout, clearTimeout, now}; `now` goes on evenly
 *   random            () => [0, 1)
 *   clock             () => milliseconds of this computer's clock, which may be set
 *   connectTransport  (callbacks) => transport; see createTransport for both
 *   newNonce          () => UUID
 */
export function createChat({ store, storage, api, tabs, account, timers, random, clock, connectTransport, newNonce }) {
  let transport = null;
  // The name that this tab goes by, and the id of its account; another tab of the browser may go by another.
  let name = null;
  let accountId = null;
  let keptTab = '';
  let isWatchingRooms = false;
  const now = () => timers.now();
  const history = createHistory({ store, storage, clock });
  const serverNow = () => clock() + store.state.serverAheadMs;
  const keptOutbox = createKeptOutbox({ store, storage, tabs, newId: newNonce, onRestored: keepRoomsOf });
  const sending = createSending({ store, timers, serverNow, post: (item) => transport?.post(item) });
  createNotices({ store, tell: (id) => transport?.seen(id) });
  createReading({ store, timers, tell: (room, seq) => transport?.read(room, seq) });
  createSharedReading({ store, tabs, nameOf: () => name });

  store.subscribe((state, previous) => {
    if (state.rooms !== previous.rooms || state.active !== previous.active) keepRooms(state);
  });

  // Words wait in them: their writer must see that, whatever room is open.
  function keepRoomsOf(items) {
    if (transport) for (const { room } of items) chat.keepRoom(room);
  }

  function keepRooms(state) {
    const others = [...state.rooms.keys()].filter((room) => room !== state.active);
    const tab = state.active === null ? null : { username: name, rooms: [state.active, ...others], hasAccount: accountId !== null };
    // Rooms change with each message, which rooms they are does not.
    if (JSON.stringify(tab) === keptTab) return;
    keptTab = JSON.stringify(tab);
    storage.keepTab(tab);
  }

  function onFrame(frame) {
    store.dispatch({ type: 'frame', frame, now: now(), at: clock() });
    if (frame.type === 'left' && frame.reason) storage.forgetRoom(name, frame.room_id);
    if (frame.type === 'error' && frame.nonce) sending.onRefused(frame.nonce);
  }

  function identify({ userId, username, role, token }) {
    name = username;
    store.dispatch({ type: 'identified', userId, username, role });
    accountId = hasAccount(store.state.me) ? userId : null;
    if (accountId === null) storage.keepIdentity({ username, token });
    else if (storage.account()?.userId !== userId) storage.keepAccount({ userId, username, role, at: clock() });
    keepRooms(store.state);
  }

  const returning = createReturning({
    account, timers,
    tell: (status) => store.dispatch({ type: 'status', status, now: now() }),
    isHere: (it) => it === transport,
    // Drafts and unsent messages stay for the one who comes back.
    onGone() {
      transport = null;
      keptOutbox.close();
    },
  });

  const chat = {
    /**
     * Connect as `username`, with the token of an earlier visit under that name; or with an account, {userId, username, role, token?},
     * for which the browser's cookie stands in where the token is missing.
     */
    enter(username, room, ofAccount = null) {
      name = username;
      accountId = ofAccount?.userId ?? null;
      if (ofAccount) store.dispatch({ type: 'identified', ...ofAccount });
      history.open(username);
      transport = connectTransport({
        identity: ofAccount ?? { username, token: storage.tokenOf(username) },
        positionOf,
        onIdentity: identify,
        onRoomNamed: (asked, given) => store.dispatch({ type: 'room_named', room: asked, name: given }),
        onFrame,
        onStatus: (status) => returning.onStatus(status, { transport, userId: accountId }),
      });
      transport.watchRooms(isWatchingRooms);
      chat.openRoom(room);
      keptOutbox.open(username);
      transport.connect();
    },
    /** Put a room on screen and be in it. */
    openRoom(room) {
      store.dispatch({ type: 'room_opened', room, kept: history.of(room) });
      storage.keepRoom(name, room);
      if (!isRemoved(store.state.rooms.get(room))) transport.join(room);
      if (store.state.rooms.get(room).timeline.hasNewer) chat.loadNewest(room);
    },
    /** Go back into a room from which a moderator has removed us. */
    enterAgain: (room) => transport.join(room),
    /** Be in a room without showing it. */
    keepRoom(room) {
      store.dispatch({ type: 'room_kept', room, kept: history.of(room) });
      transport.join(room);
    },
    leaveRoom(room) {
      chat.release(room);
      transport.leave(room);
      storage.forgetRoom(name, room);
      store.dispatch({ type: 'room_left', room });
    },
    /** The account's token is another one now: it counts from the next connection on. */
    setToken: (token) => transport?.setToken(token),
    tokenFor,
    tokenOf,
    markUnread: (room, seq) => store.dispatch({ type: 'room_held_unread', room, seq }),
    ...createWriting({ store, timers, newNonce, serverNow, nameOf: () => name, line: () => transport, loadNewest: (room) => chat.loadNewest(room) }),
    ...createLeaving({ store, storage, keptOutbox, nameOf: () => name, isOfAccount: () => accountId !== null, release: () => chat.release(), hangUp }),
    ...createPages({ store, api, timers, random, tokenFor }),

    /** Whether somebody looks at the list of rooms. */
    watchRooms(isOn) {
      isWatchingRooms = isOn;
      transport?.watchRooms(isOn);
    },
    retryNow: () => transport?.retryNow(),
    wake: () => transport?.wake(),
    /** Somebody is here: a wait for the next try is over. */
    hurry: () => transport?.hurry(),
    /** There may be no network any more: ask the line. */
    probe: () => transport?.probe(),
    /** The page goes away, perhaps to come back: others must not believe that its reader is here. */
    suspend() {
      chat.release();
      transport?.suspend();
      keptOutbox.suspend();
      tabs.suspend();
    },
    resume() {
      tabs.resume();
      keptOutbox.resume();
      transport?.connect();
    },
    /** Another tab of this browser has changed what storage holds. */
    onStorageChanged: (key, value) => keptOutbox.onStorageChanged(key, value),
    /** For the next visit. */
    keepHistory: () => transport && history.keep(name),
    draft: (room) => storage.draft(name, room),
    keepDraft: (room, text, reply = null) => storage.keepDraft(name, room, text, reply),
  };
  return chat;

  function hangUp() {
    transport?.close();
    transport = null;
  }

  // Rooms that the server has named answer their members only (null are all of one's rooms); for an account the browser's cookie stands in.
  function tokenFor(room) {
    const { me } = store.state;
    return (room !== null && !isPrivate(room)) || me === null ? undefined : tokenOf();
  }

  function tokenOf() {
    const { me } = store.state;
    return hasAccount(me) ? account.tokenOf(me.userId) : storage.tokenOf(name);
  }

  function positionOf(room) {
    const { epoch, head } = store.state.rooms.get(room)?.timeline ?? {};
    return epoch == null ? null : { epoch, seq: head };
  }
}
