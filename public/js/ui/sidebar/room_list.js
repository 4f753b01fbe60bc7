// The rooms of the cluster: ours with what is unread, then the others, each with its live count.

import { inPlace, roomSections } from '../../state/finding/room_sections.js';
import { isConversation, isPrivate } from '../../state/rooms/my_rooms.js';
import { isSilent } from '../../state/settings/settings.js';
import { keyedRows } from '../lib/keyed_rows.js';
import { byId, cloned, setAttribute, setText } from '../lib/markup.js';
import { roving } from '../lib/roving.js';
import { addressOf } from '../page/address.js';

const SHOWN_AT_FIRST = 30;
const SHOWN_MORE = 50;

export function roomList(page) {
  const { i18n, settings, openRoom } = page;
  const root = byId('room-list');
  const showSections = keyedRows(root, createSection, updateSection);
  const stops = roving(root, 'a');
  const more = byId('rooms-show-more');
  let limit = SHOWN_AT_FIRST;
  const places = {};

  more.addEventListener('click', () => {
    const last = root.querySelector('.room-list__section:last-child li:last-child a');
    limit += SHOWN_MORE;
    page.redraw();
    // The button may be gone by then; the list goes on where it ended.
    requestAnimationFrame(() => (last ?? root).focus());
  });

  function createSection() {
    const section = cloned('room-section-template', i18n);
    section.show = keyedRows(section.querySelector('.room-list__rooms'), createRoom, updateRoom);
    return section;
  }

  function updateSection(section, { heading, rooms }) {
    setText(section.querySelector('.room-list__heading'), i18n.text(heading));
    section.show(rooms, i18n.version);
  }

  function createRoom({ name }) {
    const item = cloned('room-template', i18n);
    const link = item.querySelector('a');
    link.dataset.room = name;
    link.href = addressOf(name);
    link.addEventListener('click', (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      openRoom(name);
    });
    return item;
  }

  function updateRoom(item, { name, count, unread, mentions, isActive }) {
    const link = item.querySelector('a');
    const badge = item.querySelector('.room-list__unread');
    setAttribute(link, 'aria-current', isActive ? 'page' : null);
    setAttribute(link, 'aria-label', labelOf(name, count, unread, mentions));
    link.classList.toggle('room-list__link--unread', unread > 0);
    setText(item.querySelector('.room-list__name'), i18n.roomName(name));
    setAttribute(link, 'title', i18n.roomName(name));
    setText(item.querySelector('.room-list__count'), count > 0 && !isConversation(name) ? i18n.format.number(count) : '');
    setText(badge, mentions > 0 ? `@ ${i18n.format.number(mentions)}` : i18n.format.number(unread));
    badge.classList.toggle('room-list__unread--mention', mentions > 0);
    // An icon has no property for it.
    item.querySelector('.room-list__kind').toggleAttribute('hidden', !isPrivate(name));
    setAttribute(item.querySelector('use'), 'href', isConversation(name) ? '#icon-person' : '#icon-lock');
    badge.hidden = unread === 0;
  }

  function labelOf(room, count, unread, mentions) {
    if (unread === 0) return isPrivate(room) ? i18n.roomName(room) : i18n.text('room_label', { room, count });
    const label = i18n.text('room_label_unread', { room, count: unread });
    return mentions > 0 ? `${label}, ${i18n.text('mentioned_here')}` : label;
  }

  // While somebody points at a room or is in the list, the busiest one, or the last one spoken in, may be another, but not here.
  function settled(section, sorted) {
    const isInUse = root.matches(':hover, :focus-within');
    const rows = isInUse ? inPlace(sorted, places[section] ?? []) : sorted;
    places[section] = rows.map(({ key }) => key);
    return rows;
  }

  return {
    update(state) {
      const { ours, others } = roomSections(state, (one, other) => i18n.format.compare(i18n.roomName(one), i18n.roomName(other)));
      const shown = settled('others', others).slice(0, limit);
      const sections = [
        { key: 'ours', heading: 'your_rooms', rooms: settled('ours', ours) },
        { key: 'others', heading: 'other_rooms', rooms: shown },
      ];
      showSections(sections.filter(({ rooms }) => rooms.length > 0), i18n.version);
      stops.settle(root.querySelector('[aria-current]'));
      more.hidden = shown.length === others.length;
      byId('rooms-more').hidden = !more.hidden || !state.roomDirectory.hasMore;
      byId('menu-unread').hidden = ours.every(({ name, unread, isActive }) => unread === 0 || isActive || isSilent(settings.current, name));
    },
  };
}
