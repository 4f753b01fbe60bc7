// The items about a person in a menu that everybody has: to talk to them alone, and to ignore them.

import { hasAccount } from '../../state/identity/identity.js';
import { isConversation } from '../../state/rooms/my_rooms.js';
import { isIgnored, withIgnored, withoutIgnored } from '../../state/settings/settings.js';
import { byId, cloned, setText } from '../lib/markup.js';

/** Adds the items to the menu `box`. Returns `show(person)`, to be called before it opens; null is nobody, or oneself. */
export function aboutPerson(box, { i18n, store, settings, tell, myRooms, openRoom, needsAccount }) {
  let person = null;
  const talk = cloned('menu-item-template', i18n);
  const ignore = cloned('menu-item-template', i18n);
  talk.dataset.about = 'converse';
  ignore.dataset.about = 'ignore';
  box.append(talk, ignore);

  talk.addEventListener('click', async () => {
    if (!hasAccount(store.state.me)) return needsAccount();
    const { problem, room } = await myRooms.converse(person.user_id);
    return problem ? tell(i18n.text(problem.key, problem.slots)) : openRoom(room);
  });
  ignore.addEventListener('click', () => {
    const { user_id, username } = person;
    const letIn = () => settings.change(withoutIgnored(settings.current, user_id));
    if (isIgnored(settings.current, user_id)) return letIn();
    settings.change(withIgnored(settings.current, { user_id, username }));
    // A row of theirs goes away with the next drawing, and the focus must not go with it.
    requestAnimationFrame(() => document.activeElement === document.body && byId('timeline').focus({ preventScroll: true }));
    return tell(i18n.text('ignored_person', { name: username }), { label: i18n.text('stop_ignoring'), run: letIn });
  });

  return function show(about) {
    person = about;
    talk.hidden = about === null || isConversation(store.state.active);
    ignore.hidden = about === null;
    setText(talk, i18n.text('converse'));
    if (about) setText(ignore, i18n.text(isIgnored(settings.current, about.user_id) ? 'stop_ignoring_person' : 'ignore_person', { name: about.username }));
  };
}
