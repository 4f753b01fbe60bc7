//! Users who broke off: their leave notices wait, in case they come back.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use super::rules::Standing;
use crate::model::{Member, RoomName, UserId, Username};

/// Time for which it is remembered that a leave notice was said after waiting.
const SAID_FOR: Duration = Duration::from_secs(10 * 60);

/// Who lingers where. A user who has a session in the room does not linger there.
pub(super) struct Lingering {
    linger: Duration,
    users: HashMap<Key, State>,
    /// When to look at which entry. `users` is the truth: an entry may have changed since.
    agenda: BTreeSet<(Instant, Key)>,
}

type Key = (RoomName, UserId);

enum State {
    Waits { until: Instant, username: Username },
    Said { until: Instant },
}

/// A leave notice that has waited long enough.
pub(super) struct Due {
    pub(super) room: RoomName,
    pub(super) user_id: UserId,
    pub(super) username: Username,
}

impl Lingering {
    pub(super) fn new(linger: Duration) -> Self {
        Self { linger, users: HashMap::new(), agenda: BTreeSet::new() }
    }

    pub(super) fn standing(&self, room: &RoomName, user_id: &UserId) -> Option<Standing> {
        self.users.get(&(room.clone(), user_id.clone())).map(|state| match state {
            State::Waits { .. } => Standing::Lingering,
            State::Said { .. } => Standing::SaidGone,
        })
    }

    /// Lets a member's leave notice wait.
    pub(super) fn wait(&mut self, room: &RoomName, member: &Member, now: Instant) {
        let until = now + self.linger;
        let username = member.username.clone();
        self.set((room.clone(), member.user_id.clone()), State::Waits { until, username }, until);
    }

    pub(super) fn remember_said(&mut self, room: &RoomName, user_id: &UserId, now: Instant) {
        let until = now + SAID_FOR;
        self.set((room.clone(), user_id.clone()), State::Said { until }, until);
    }

    /// The user is back.
    pub(super) fn forget(&mut self, room: &RoomName, user_id: &UserId) {
        self.users.remove(&(room.clone(), user_id.clone()));
    }

    /// Takes out what has waited long enough.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Due> {
        let mut due = Vec::new();
        while self.agenda.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, key)) = self.agenda.pop_first() else { break };
            match self.users.get(&key) {
                Some(State::Waits { until, username }) if *until <= now => {
                    due.push(Due { room: key.0.clone(), user_id: key.1.clone(), username: username.clone() });
                }
                Some(State::Said { until }) if *until <= now => {}
                _ => continue,
            }
            self.users.remove(&key);
        }
        due
    }

    fn set(&mut self, key: Key, state: State, look_at: Instant) {
        self.agenda.insert((look_at, key.clone()));
        self.users.insert(key, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ConnectionId;

    const LINGER: Duration = Duration::from_secs(10);

    fn rahim() -> (RoomName, Member) {
        let (id, user_id) = (ConnectionId::random(), UserId::guest());
        (RoomName::from_trusted("general"), Member { id, user_id, username: Username::from_trusted("Rahim") })
    }

    #[test]
    fn who_breaks_off_again_waits_anew() {
        let (mut lingering, (room, rahim), start) = (Lingering::new(LINGER), rahim(), Instant::now());
        lingering.wait(&room, &rahim, start);
        lingering.forget(&room, &rahim.user_id);
        lingering.wait(&room, &rahim, start + LINGER / 2);
        assert!(lingering.take_due(start + LINGER).is_empty());
        assert_eq!(lingering.take_due(start + LINGER * 3 / 2).len(), 1);
        assert!(lingering.take_due(start + LINGER * 2).is_empty());
    }

    #[test]
    fn nothing_is_remembered_for_ever() {
        let (mut lingering, (room, rahim), start) = (Lingering::new(LINGER), rahim(), Instant::now());
        lingering.remember_said(&room, &rahim.user_id, start);
        assert_eq!(lingering.standing(&room, &rahim.user_id), Some(Standing::SaidGone));
        assert!(lingering.take_due(start + SAID_FOR).is_empty());
        assert_eq!(lingering.standing(&room, &rahim.user_id), None);
        assert!(lingering.agenda.is_empty());
    }
}
