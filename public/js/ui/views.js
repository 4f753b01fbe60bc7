// All views of the page, and the few things that cross them: entering, opening a room, leaving.

import { composer as createComposer } from './composer/composer.js';
import { typingLine } from './composer/typing_line.js';
import { joinForm } from './join/join_form.js';
import { drawing } from './lib/drawing.js';
import { byId } from './lib/markup.js';
import { roomInAddress, showRoomInAddress } from './page/address.js';
import { announcer } from './page/announcer.js';
import { drawers as createDrawers } from './page/drawers.js';
import { keyboard } from './page/keyboard.js';
import { pageEvents } from './page/page_events.js';
import { screens } from './page/screens.js';
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
  const page = { ...parts, drawers, enter, openRoom, roomAsked: roomInAddress(location) };
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
  store.subscribe((state, previous) => {
    header.updateTitle(state);
    if (state.active !== previous.active) showRoomInAddress(state.active);
    draw();
  });
  pageEvents(page);
  byId('leave-chat').addEventListener('click', leave);
  comeBack();

  function enter(name, room) {
    chat.enter(name, room);
    draw();
    requestAnimationFrame(composer.focus);
  }

  function openRoom(room) {
    drawers.close();
    chat.openRoom(room);
    requestAnimationFrame(composer.focus);
  }

  function leave() {
    drawers.close();
    chat.exit();
    requestAnimationFrame(form.focus);
  }

  // A reload goes on where the tab was; a new tab asks first.
  function comeBack() {
    const tab = storage.tab();
    if (!tab) return form.focus();
    const [active, ...others] = tab.rooms;
    enter(tab.username, page.roomAsked ?? active);
    for (const room of [active, ...others]) chat.keepRoom(room);
    return undefined;
  }

  function redraw() {
    header.updateTitle(store.state);
    draw();
  }
}
