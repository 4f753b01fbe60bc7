// The commands of moderators in the composer: /kick, /mute, /unmute, /ban, /unban, /lock, /unlock.

import { activeRoom } from '../../state/chat.js';
import { durationIn, personNamed } from '../../state/finding/orders.js';
import { peopleOf } from '../../state/identity/rights.js';
import { bannedPeople } from '../../state/rooms/moderation.js';

/** `refuse(text)` says what is wrong with a command and keeps it in the field; see command_line.js. */
export function orderLine({ i18n, store, moderation, orders, tellOrder, tellProblem }, refuse) {
  const people = () => peopleOf(activeRoom(store.state), store.state.me);

  function about(text, act) {
    const { problem, name, sign, person, rest } = personNamed(text, people());
    if (problem) return refuse(i18n.text(problem, { name, sign }));
    return act(person, rest);
  }

  function done(request, key, slots, undo) {
    request.then((problem) => (problem ? tellProblem(problem) : tellOrder(key, slots, undo)));
    return true;
  }

  const room = () => store.state.active;

  return {
    kick: (text) => about(text, (person) => done(moderation.kick(room(), person.user_id), 'did_kick', { name: person.username })),
    mute: (text) => about(text, (person, rest) => {
      const { seconds } = durationIn(rest);
      if (seconds === null) return refuse(i18n.text('mute_needs_time'));
      const where = room();
      const slots = { name: person.username, time: i18n.format.duration(seconds) };
      return done(moderation.mute(where, person.user_id, seconds), 'did_mute', slots, () => moderation.unmute(where, person.user_id));
    }),
    unmute: (text) => about(text, (person) => done(moderation.unmute(room(), person.user_id), 'did_unmute', { name: person.username })),
    // Asks before it does it.
    ban: (text) => about(text, (person, rest) => {
      const { seconds, rest: reason } = durationIn(rest);
      orders.open('ban', person, { seconds, reason });
      return true;
    }),
    unban(text) {
      liftBan(text);
      return true;
    },
    lock: () => done(moderation.lock(room()), 'did_lock', {}),
    unlock: () => done(moderation.unlock(room()), 'did_unlock', {}),
  };

  async function liftBan(text) {
    await moderation.listBans();
    const { problem: unread } = store.state.moderation.bans;
    if (unread) return tellProblem(unread);
    const { person, problem, name, sign } = personNamed(text, bannedPeople(store.state));
    if (problem) return tellProblem({ key: problem === 'nobody_named' ? 'nobody_banned_named' : problem, slots: { name, sign } });
    return done(moderation.unban(person.user_id), 'did_unban', { name: person.username });
  }
}
