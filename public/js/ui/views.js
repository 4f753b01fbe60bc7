// All views of the page, and the few things that cross them: entering, opening a room, leaving.

import { FIRST_ROOM } from '../i18n/i18n.js';
import { createHues } from '../state/finding/hues.js';
import { composer as createComposer } from './composer/composer.js';
import { typingLine } from './composer/typing_line.js';
import { joinForm } from './join/join_form.js';
import { dialogs } from './lib/dialogs.js';
import { drawing } from './lib/drawing.js';
import { byId } from './lib/markup.js';
import { placeInAddress } from './page/address.js';
import { announcer } from './page/announcer.js';
import { buildNotice, keepShell } from './page/build.js';
import { drawers as createDrawers } from './page/drawers.js';
import { favicon } from './notifications/favicon.js';
import { help } from './page/help.js';
import { keyboard } from './page/keyboard.js';
import { navigation } from './page/navigation.js';
import { notifications } from './notifications/notifications.js';
import { pageEvents } from './page/page_events.js';
import { screens } from './page/screens.js';
import { toast } from './page/toast.js';
import { members } from './people/members.js';
import { connectionStrip } from './room/connection_strip.js';
import { invite } from './room/invite.js';
import { roomDetails } from './room/room_details.js';
import { roomHeader } from './room/room_header.js';
import { roomMenu } from './room/room_menu.js';
import { choices } from './settings/choices.js';
import { ignored } from './settings/ignored.js';
import { createSettings } from './settings/settings.js';
import { roomList } from './sidebar/room_list.js';
import { switcher as createSwitcher } from './sidebar/switcher.js';
import { timeline as createTimeline } from './timeline/timeline.js';

/** `parts` is {store, storage, i18n, chat, directory, tabs, timers, now, today}. */
export function start(parts) {
  const { store, storage, chat } = parts;
  const drawers = createDrawers();
  const asked = placeInAddress(location);
  const settings = createSettings({ ...parts, onChange: choose });
  const page = { ...parts, settings, drawers, hueOf: createHues(), tell: toast(), roomAsked: asked.room,
    enter, openRoom, openPlace, leaveRoom, rename, redraw };
  page.invite = invite(page);

  const header = roomHeader(page);
  const timeline = createTimeline(page);
  const composer = createComposer(page);
  const form = joinForm(page);
  const switcher = createSwitcher(page);
  const updateIcon = favicon(page);
  const draw = drawing(store, [screens(page), choices(page), ignored(page), help(page), form, header, roomMenu(page),
    roomDetails(page), roomList(page), members(page), timeline, typingLine(page), connectionStrip(page), buildNotice(page),
    composer]);

  dialogs();
  announcer(page);
  notifications(page);
  keyboard({ ...page, timeline, switcher, composer });
  store.subscribe((state) => {
    header.updateTitle(state);
    updateIcon(state);
    draw();
  });
  tellIgnored();
  navigation(page);
  pageEvents(page);
  byId('leave-chat').addEventListener('click', leave);
  comeBack();
  keepShell();

  /** `others` are rooms to be in besides. */
  function enter(name, room, others = storage.roomsOf(name)) {
    chat.enter(name, room);
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
    if (store.state.rooms.size === 1) return leave();
    chat.leaveRoom(room);
    return requestAnimationFrame(composer.focus);
  }

  // Another name is another person to the server: the same rooms, entered anew.
  function rename(name) {
    const [room, ...others] = [store.state.active, ...store.state.rooms.keys()];
    chat.exit();
    enter(name, room, others);
  }

  function leave() {
    drawers.show(null);
    chat.exit();
    requestAnimationFrame(form.focus);
  }

  // A reload goes on where the tab was; a new tab goes by the name of the last one.
  function comeBack() {
    const tab = storage.tab();
    const name = tab?.username ?? storage.signedIn();
    if (!name) return form.focus();
    const rooms = [...(tab?.rooms ?? []), ...storage.roomsOf(name)];
    return enter(name, asked.room ?? rooms[0] ?? FIRST_ROOM, rooms);
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
