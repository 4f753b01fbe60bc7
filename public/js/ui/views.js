// All views of the page, and the few things that cross them: entering, opening a room, leaving.

import { createHues } from '../state/finding/hues.js';
import { createNames } from '../state/finding/names_seen.js';
import { hasAccount } from '../state/identity/identity.js';
import { isOwner, titleOf } from '../state/rooms/my_rooms.js';
import { accountMenu } from './account/account_menu.js';
import { passwordDialog } from './account/password_dialog.js';
import { composer as createComposer } from './composer/composer.js';
import { attaching } from './composer/files/attaching.js';
import { context } from './composer/context.js';
import { typingLine } from './composer/typing_line.js';
import { entry } from './account/join/entry.js';
import { createVisit } from './account/join/visit.js';
import { dialogs } from './lib/dialogs.js';
import { drawing } from './lib/drawing.js';
import { revealing } from './lib/revealing.js';
import { placeInAddress } from './page/address.js';
import { announcer } from './page/announcer.js';
import { buildNotice, keepShell } from './page/build.js';
import { confirmDialog } from './page/confirm.js';
import { drawers as createDrawers } from './page/drawers.js';
import { bell } from './notifications/bell.js';
import { favicon } from './notifications/favicon.js';
import { help } from './page/help.js';
import { keyboard } from './page/keyboard.js';
import { navigation } from './page/navigation.js';
import { notifications } from './notifications/notifications.js';
import { pageEvents } from './page/page_events.js';
import { screens } from './page/screens.js';
import { toast } from './page/toast.js';
import { memberMenu } from './people/member_menu.js';
import { members } from './people/members.js';
import { orderTold } from './people/order_told.js';
import { personDialog } from './people/person_dialog.js';
import { reportDialog } from './people/report_dialog.js';
import { connectionStrip } from './room/connection_strip.js';
import { invite } from './room/invite.js';
import { moderationLog } from './room/moderation_log.js';
import { newRoom } from './room/private/new_room.js';
import { removal } from './room/removal.js';
import { roomDetails } from './room/room_details.js';
import { roomHeader } from './room/room_header.js';
import { roomMenu } from './room/room_menu.js';
import { searchDialog } from './search/search_dialog.js';
import { choices } from './settings/choices.js';
import { ignored } from './settings/ignored.js';
import { createSettings } from './settings/settings.js';
import { sharingSetting } from './settings/sharing.js';
import { roomList } from './sidebar/room_list.js';
import { switcher as createSwitcher } from './sidebar/switcher.js';
import { viewer } from './timeline/files/viewer.js';
import { timeline as createTimeline } from './timeline/timeline.js';

/** `parts` is {store, storage, i18n, chat, goBy, account, moderation, myRooms, sharing, reports, search, uploads, exportRoom, directory, tabs, timers, now, today}. */
export function start(parts) {
  const { i18n, store, storage, chat } = parts;
  const drawers = createDrawers();
  const asked = placeInAddress(location);
  const settings = createSettings({ ...parts, onChange: choose });
  const page = { ...parts, settings, drawers, hueOf: createHues(), tell: toast(parts), roomAsked: asked.room,
    enter, enterAccount: (account) => visit.enterAccount(account), openRoom, openPlace, leaveRoom, rename, redraw };
  page.nameOf = createNames(() => store.state);
  page.context = context(page);
  page.isOwner = (room) => isOwner(store.state, room);
  page.attached = attaching(page);
  page.confirm = confirmDialog(page);
  page.needsAccount = () => page.tell(i18n.text('needs_account'), { label: i18n.text('sign_in_short'), run: () => visit.takeAccount('sign_in') });
  i18n.useTitles((room) => titleOf(store.state, room));
  page.invite = invite(page);
  Object.assign(page, orderTold(page));
  page.orders = personDialog(page);
  page.reporting = reportDialog(page);

  const header = roomHeader(page);
  const timeline = createTimeline(page);
  const composer = createComposer(page);
  const front = entry(page);
  const visit = createVisit({ ...page, front });
  const password = passwordDialog(page);
  const switcher = createSwitcher(page);
  const searching = searchDialog(page);
  const updateIcon = favicon(page);
  const draw = drawing(store, [screens(page), choices(page), sharingSetting(page), ignored(page), help(page), front, accountMenu({ ...page, visit, password }), password, header, roomMenu(page),
    roomDetails(page), roomList(page), members(page), timeline, typingLine(page), connectionStrip(page), buildNotice(page),
    removal(page), moderationLog(page), searching, bell(page), page.attached, composer]);

  newRoom(page);
  dialogs();
  revealing();
  viewer(page);
  memberMenu(page);
  announcer(page);
  notifications(page);
  keyboard({ ...page, timeline, switcher, searching, composer });
  store.subscribe((state) => {
    header.updateTitle(state);
    updateIcon(state);
    draw();
  });
  tellIgnored();
  navigation(page);
  pageEvents(page);
  visit.comeBack();
  keepShell();

  /** `others` are rooms to be in besides; without an account it is as a guest. */
  function enter(name, room, others = storage.roomsOf(name), account = null) {
    chat.enter(name, room, account);
    for (const other of others) chat.keepRoom(other);
    if (room === asked.room && asked.seq !== null) timeline.seek(room, asked.seq);
    draw();
    requestAnimationFrame(composer.focus);
  }

  function openRoom(room) {
    // The drawer's entry in the history becomes the room's.
    if (room === store.state.active) drawers.close();
    else drawers.show(null);
    chat.openRoom(room);
    requestAnimationFrame(composer.focus);
  }

  function openPlace({ room, seq }) {
    if (room !== store.state.active) openRoom(room);
    if (seq !== null) timeline.seek(room, seq);
    draw();
  }

  // The last room cannot be left without leaving the chat.
  function leaveRoom(room) {
    if (store.state.rooms.size === 1) return hasAccount(store.state.me) ? page.tell(i18n.text('last_room')) : visit.leave();
    chat.leaveRoom(room);
    return requestAnimationFrame(composer.focus);
  }

  function rename(name) {
    if (hasAccount(store.state.me)) return page.tell(i18n.text('name_is_accounts'));
    parts.goBy(name);
    return requestAnimationFrame(composer.focus);
  }

  function choose() {
    tellIgnored();
    redraw();
  }

  function tellIgnored() {
    store.dispatch({ type: 'people_ignored', userIds: settings.current.ignored.map(({ user_id: id }) => id) });
  }

  function redraw() {
    header.updateTitle(store.state);
    draw();
  }
}
