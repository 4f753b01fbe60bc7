// The rooms of the cluster: ours with what is unread, then the others, each with its live count.

import { peopleIn } from '../../state/room.js';
import { keyedRows } from '../lib/keyed_rows.js';
import { byId, cloned, setAttribute, setText } from '../lib/markup.js';
import { addressOf } from '../page/address.js';

export function roomList(page) {
  const { i18n, openRoom } = page;
  const root = byId('room-list');
  const showSections = keyedRows(root, createSection, updateSection);
  const showNames = keyedRows(byId('room-names'), () => document.createElement('option'), (option, { name }) => {
    option.value = name;
  });

  function createSection() {
    const section = cloned('room-section-template', i18n);
    section.show = keyedRows(section.querySelector('.room-list__rooms'), createRoom, updateRoom);
    return section;
  }

  function updateSection(section, { heading, rooms }) {
    setText(section.querySelector('.room-list__heading'), i18n.text(heading));
    section.show(rooms, i18n.language);
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

  function updateRoom(item, { name, count, unread, isActive }) {
    const link = item.querySelector('a');
    const badge = item.querySelector('.room-list__unread');
    setAttribute(link, 'aria-current', isActive ? 'page' : null);
    setAttribute(link, 'aria-label', labelOf(name, count, unread));
    link.classList.toggle('room-list__link--unread', unread > 0);
    setText(item.querySelector('.room-list__name'), name);
    setText(item.querySelector('.room-list__count'), i18n.format.number(count));
    setText(badge, i18n.format.number(unread));
    badge.hidden = unread === 0;
  }

  function labelOf(room, count, unread) {
    return unread > 0
      ? i18n.text('room_label_unread', { room, count: unread })
      : i18n.text('room_label', { room, count });
  }

  return {
    update(state) {
      const [ours, others] = sectionsOf(state, i18n.format.compare);
      const sections = [
        { key: 'ours', heading: 'your_rooms', rooms: ours },
        { key: 'others', heading: 'other_rooms', rooms: others },
      ];
      showSections(sections.filter(({ rooms }) => rooms.length > 0), i18n.language);
      showNames(state.directory.rooms.map(({ id, name }) => ({ key: id, name })));
      byId('rooms-more').hidden = !state.directory.hasMore;
      byId('menu-unread').hidden = ours.every(({ unread, isActive }) => unread === 0 || isActive);
    },
  };
}

/** Both by name: a list that is sorted by activity jumps under the finger. */
function sectionsOf(state, compare) {
  const byName = (one, other) => compare(one.name, other.name);
  const ours = [...state.rooms.values()].map((room) => (
    { key: room.id, name: room.id, count: peopleIn(room), unread: room.unread, isActive: room.id === state.active }));
  const others = state.directory.rooms
    .filter(({ id }) => !state.rooms.has(id))
    .map(({ id, name, client_count }) => ({ key: id, name, count: client_count, unread: 0, isActive: false }));
  return [ours.sort(byName), others.sort(byName)];
}
