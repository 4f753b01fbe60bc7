// The menu about somebody in the list of people.

import { byId, cloned, setAttribute, setText } from '../lib/markup.js';
import { menu } from '../lib/menu.js';
import { aboutPerson } from './about_person.js';
import { personItems } from './person_items.js';

/** The buttons are those of members.js. */
export function memberMenu(page) {
  const { i18n } = page;
  const element = byId('member-menu');
  const box = menu(element);
  const showAbout = aboutPerson(element, page);
  const report = cloned('menu-item-template', i18n);
  let person = null;
  report.dataset.about = 'report';
  report.addEventListener('click', () => page.reporting.open(person));
  element.append(report);
  const show = personItems(element, page);

  byId('members').addEventListener('click', ({ target }) => {
    const button = target.closest('.members__menu');
    if (!button) return;
    const item = button.closest('.members__user');
    person = { user_id: item.dataset.user, username: item.dataset.username };
    setText(byId('member-menu-name'), person.username);
    setAttribute(element, 'aria-label', i18n.text('person_menu', { name: person.username }));
    showAbout(person);
    setText(report, i18n.text('report_person'));
    show(person);
    box.toggle(button);
  });
}
