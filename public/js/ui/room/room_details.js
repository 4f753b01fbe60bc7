// The room in numbers, its link, and how much of it one wants to be told.

import { activeRoom } from '../../state/chat.js';
import { CHOICES, withLevel } from '../../state/settings/settings.js';
import { openDialog } from '../lib/dialogs.js';
import { byId, setText } from '../lib/markup.js';
import { linkTo } from './invite.js';
import { memberList } from './private/member_list.js';
import { roomFiles } from './room_files.js';
import { roomExport } from './private/room_export.js';
import { roomNaming } from './private/room_naming.js';

export function roomDetails(page) {
  const { i18n, store, settings, redraw, myRooms } = page;
  const naming = roomNaming(page);
  const members = memberList(page);
  const files = roomFiles(page);
  roomExport(page);
  const level = byId('details-level');
  byId('room-details-button').addEventListener('click', () => {
    openDialog('room-details');
    naming.open();
    myRooms.listMembers(store.state.active);
    redraw();
  });
  level.append(...['', ...CHOICES.level].map(option));
  level.addEventListener('change', () =>
    settings.change(withLevel(settings.current, store.state.active, level.value || null)));

  return {
    update(state) {
      const room = activeRoom(state);
      if (!room || !byId('room-details').open) return;
      setText(byId('details-name'), i18n.roomName(room.id));
      setText(byId('details-people'), byId('room-count').textContent);
      setText(byId('details-latest'), i18n.format.number(room.timeline.latest));
      setText(byId('details-link'), linkTo(room.id));
      naming.update(state);
      members.update(state);
      files.update(room);
      for (const it of level.options) setText(it, i18n.text(`level_${it.value || 'default'}`));
      level.value = settings.current.levels.find((it) => it.room === room.id)?.level ?? '';
    },
  };
}

function option(word) {
  const element = document.createElement('option');
  element.value = word;
  return element;
}
