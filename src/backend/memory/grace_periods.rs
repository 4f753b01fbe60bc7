//! The grace periods of users whose last connection was lost: their leave notices are pending until the period is
//! over.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use super::rules::UserPresence;
use crate::model::{Member, RoomName, UserId, Username};

/// How long a leave notice that was sent after a grace period is remembered.
const ANNOUNCED_TTL: Duration = Duration::from_secs(10 * 60);

/// Pending and sent leave notices by room and user. A user with a session in the room has no pending notice there.
pub(super) struct GracePeriods {
    leave_grace: Duration,
    users: HashMap<Key, State>,
    /// When each entry expires. `users` is authoritative: an entry may have changed since.
    timers: BTreeSet<(Instant, Key)>,
}

type Key = (RoomName, UserId);

enum State {
    Pending { until: Instant, username: Username },
    Announced { until: Instant },
}

/// A leave notice whose grace period is over.
pub(super) struct Due {
    pub(super) room: RoomName,
    pub(super) user_id: UserId,
    pub(super) username: Username,
}

impl GracePeriods {
    pub(super) fn new(leave_grace: Duration) -> Self {
        Self { leave_grace, users: HashMap::new(), timers: BTreeSet::new() }
    }

    pub(super) fn user_presence(&self, room: &RoomName, user_id: &UserId) -> Option<UserPresence> {
        self.users.get(&(room.clone(), user_id.clone())).map(|state| match state {
            State::Pending { .. } => UserPresence::LeavePending,
            State::Announced { .. } => UserPresence::LeaveAnnounced,
        })
    }

    /// Starts a grace period for a member.
    pub(super) fn start(&mut self, room: &RoomName, member: &Member, now: Instant) {
        let until = now + self.leave_grace;
        let username = member.username.clone();
        self.set((room.clone(), member.user_id.clone()), State::Pending { until, username }, until);
    }

    pub(super) fn record_announced(&mut self, room: &RoomName, user_id: &UserId, now: Instant) {
        let until = now + ANNOUNCED_TTL;
        self.set((room.clone(), user_id.clone()), State::Announced { until }, until);
    }

    /// Ends the grace period: the user is back.
    pub(super) fn cancel(&mut self, room: &RoomName, user_id: &UserId) {
        self.users.remove(&(room.clone(), user_id.clone()));
    }

    /// Removes and returns the notices that are due.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Due> {
        let mut due = Vec::new();
        while self.timers.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, key)) = self.timers.pop_first() else { break };
            match self.users.get(&key) {
                Some(State::Pending { until, username }) if *until <= now => {
                    due.push(Due { room: key.0.clone(), user_id: key.1.clone(), username: username.clone() });
                }
                Some(State::Announced { until }) if *until <= now => {}
                _ => continue,
            }
            self.users.remove(&key);
        }
        due
    }

    fn set(&mut self, key: Key, state: State, expires_at: Instant) {
        self.timers.insert((expires_at, key.clone()));
        self.users.insert(key, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ConnectionId;

    const LEAVE_GRACE: Duration = Duration::from_secs(10);

    fn rahim() -> (RoomName, Member) {
        let (id, user_id) = (ConnectionId::random(), UserId::guest());
        (RoomName::from_trusted("general"), Member { id, user_id, username: Username::from_trusted("Rahim") })
    }

    #[test]
    fn another_lost_connection_starts_another_grace_period() {
        let (mut grace_periods, (room, rahim), start) =
            (GracePeriods::new(LEAVE_GRACE), rahim(), Instant::now());
        grace_periods.start(&room, &rahim, start);
        grace_periods.cancel(&room, &rahim.user_id);
        grace_periods.start(&room, &rahim, start + LEAVE_GRACE / 2);
        assert!(grace_periods.take_due(start + LEAVE_GRACE).is_empty());
        assert_eq!(grace_periods.take_due(start + LEAVE_GRACE * 3 / 2).len(), 1);
        assert!(grace_periods.take_due(start + LEAVE_GRACE * 2).is_empty());
    }

    #[test]
    fn announced_leaves_expire() {
        let (mut grace_periods, (room, rahim), start) =
            (GracePeriods::new(LEAVE_GRACE), rahim(), Instant::now());
        grace_periods.record_announced(&room, &rahim.user_id, start);
        assert_eq!(grace_periods.user_presence(&room, &rahim.user_id), Some(UserPresence::LeaveAnnounced));
        assert!(grace_periods.take_due(start + ANNOUNCED_TTL).is_empty());
        assert_eq!(grace_periods.user_presence(&room, &rahim.user_id), None);
        assert!(grace_periods.timers.is_empty());
    }
}
