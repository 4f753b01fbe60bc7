// All views of the page, and the few things that cross them: entering, opening a room, leaving.

import { roomInAddress, showRoomInAddress } from './address.js';
import { announcer } from './announcer.js';
import { composer as createComposer } from './composer.js';
import { connectionStrip } from './connection_strip.js';
import { drawers as createDrawers } from './drawers.js';
import { drawing } from './drawing.js';
import { joinForm } from './join_form.js';
import { keyboard } from './keyboard.js';
import { byId } from './markup.js';
import { members } from './members.js';
import { openRoomForm } from './open_room.js';
import { pageEvents } from './page_events.js';
import { preferences } from './preferences.js';
import { roomHeader } from './room_header.js';
import { roomList } from './room_list.js';
import { screens } from './screens.js';
import { timeline as createTimeline } from './timeline.js';
import { typingLine } from './typing_line.js';

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
