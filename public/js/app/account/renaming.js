// Going by another name. To the server that is another person; the rooms, and the drafts of those that are not on screen, come along.

export function createRenaming({ store, chat }) {
  return function rename(name) {
    const { active, rooms } = store.state;
    const drafts = [...rooms.keys()].filter((room) => room !== active).map((room) => [room, chat.draft(room)]);
    chat.exit();
    chat.enter(name, active);
    for (const [room, { text, reply }] of drafts) {
      chat.keepRoom(room);
      if (text !== '') chat.keepDraft(room, text, reply);
    }
  };
}
