// All views of the page, and the few things that cross them: entering, opening a room, leaving.

import { composer as createComposer } from './composer/composer.js';
import { typingLine } from './composer/typing_line.js';
import { joinForm } from './join/join_form.js';
import { drawing } from './lib/drawing.js';
import { byId } from './lib/markup.js';
import { placeInAddress } from './page/address.js';
import { announcer } from './page/announcer.js';
import { drawers as createDrawers } from './page/drawers.js';
import { keyboard } from './page/keyboard.js';
import { navigation } from './page/navigation.js';
import { pageEvents } from './page/page_events.js';
import { screens } from './page/screens.js';
import { toast } from './page/toast.js';
import { members } from './people/members.js';
import { connectionStrip } from './room/connection_strip.js';
import { roomHeader } from './room/room_header.js';
import { preferences } from './settings/preferences.js';
import { openRoomForm } from './sidebar/open_room.js';
import { roomList } from './sidebar/room_list.js';
import { timeline as createTimeline } from './timeline/timeline.js';

/** `parts` is {store, storage, i18n, chat, directory}. */
export function start(parts) {
  const { store, storage, chat } = parts;
  const drawers = createDrawers();
  const asked = placeInAddress(location);
  const page = { ...parts, drawers, enter, openRoom, tell: toast(), roomAsked: asked.room };
  const switches = preferences({ ...parts, onChange: () => redraw() });
  switches.apply();

  const header = roomHeader(page);
  const timeline = createTimeline(page);
  const composer = createComposer(page);
  const form = joinForm(page);
  const draw = drawing(store, [screens(page), form, header, roomList(page), members(page),
    timeline, typingLine(page), connectionStrip(page), composer]);

  openRoomForm(page);
  announcer(page);
  keyboard({ ...page, timeline });
  store.subscribe((state) => {
    header.updateTitle(state);
    draw();
  });
  navigation({ store, drawers, openPlace });
  pageEvents(page);
  byId('leave-chat').addEventListener('click', leave);
  comeBack();

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
    return enter(name, asked.room ?? rooms[0] ?? 'general', rooms);
  }

  function redraw() {
    header.updateTitle(store.state);
    draw();
  }
}
