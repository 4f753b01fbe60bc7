// The title and the topic of a private room in its details: its owner changes them, others read them.

import { isConversation, isOwner, isPrivate } from '../../../state/rooms/my_rooms.js';
import { tidied } from '../../../state/text/names.js';
import { byId, setText } from '../../lib/markup.js';

export function roomNaming({ i18n, store, myRooms }) {
  const title = byId('details-title-field');
  const topic = byId('details-topic-field');
  const status = byId('details-naming-status');
  let shown = null;

  byId('details-naming').addEventListener('submit', async (event) => {
    event.preventDefault();
    const changes = { title: tidied(title.value).trim(), topic: tidied(topic.value).trim() };
    if (changes.title === '') return setText(status, i18n.text('title_empty'));
    const { problem } = await myRooms.change(store.state.active, changes);
    return setText(status, problem ? i18n.text(problem.key, problem.slots) : i18n.text('did_change_room'));
  });

  return {
    /** The details have been opened: the fields begin anew. */
    open() {
      shown = null;
      setText(status, '');
    },
    update(state) {
      const room = state.myRooms.get(state.active);
      const isOurs = isPrivate(state.active) && !isConversation(state.active) && isOwner(state, state.active);
      byId('details-naming').hidden = !isOurs;
      for (const it of [byId('details-topic-term'), byId('details-topic')]) it.hidden = isOurs || !room?.topic;
      setText(byId('details-topic'), room?.topic ?? '');
      // Somebody may be writing in them.
      if (!isOurs || shown === state.active) return;
      shown = state.active;
      title.value = room?.title ?? '';
      topic.value = room?.topic ?? '';
    },
  };
}
