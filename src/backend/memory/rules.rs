//! Pure functions for the rules that both backends follow. Each names the script with the same rule.

use std::time::Duration;

use tokio::time::Instant;

use crate::backend::LeaveMode;
use crate::model::Position;

/// How a change is announced to the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Announcement {
    /// By a notice with the new count.
    Notice,
    /// By the new count alone.
    Count,
    /// By the new count, and by a notice after the grace period.
    CountThenNotice,
}

/// The state of a user in a room, without the session that enters or leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UserPresence {
    /// Another session of the user is in the room.
    Present,
    /// The user's leave notice is pending.
    LeavePending,
    /// The user's leave notice was sent after a grace period.
    LeaveAnnounced,
    /// None of these.
    Unknown,
}

/// `enter.lua`: a user's first session is a join, unless a leave is pending.
pub(super) fn announce_enter(presence: UserPresence) -> Announcement {
    match presence {
        UserPresence::Unknown | UserPresence::LeaveAnnounced => Announcement::Notice,
        UserPresence::Present | UserPresence::LeavePending => Announcement::Count,
    }
}

/// `leave.lua`, `reap.lua`, `restore.lua`: a user's last session is a leave.
pub(super) fn announce_leave(presence: UserPresence, mode: LeaveMode) -> Announcement {
    match (presence, mode) {
        (UserPresence::Present, _) => Announcement::Count,
        (_, LeaveMode::Immediate) => Announcement::Notice,
        (_, LeaveMode::AfterGracePeriod) => Announcement::CountThenNotice,
    }
}

/// `restore.lua`: a restored session gets a notice only if its user's leave notice was sent.
pub(super) fn announce_return(presence: UserPresence) -> Announcement {
    match presence {
        UserPresence::LeaveAnnounced => Announcement::Notice,
        UserPresence::Present | UserPresence::LeavePending | UserPresence::Unknown => Announcement::Count,
    }
}

/// Whether a room of this size announces counts alone.
pub(super) fn over_limit(sessions: usize, announce_up_to: usize) -> bool {
    sessions > announce_up_to
}

/// `read.lua`: whether a reader's position lies in this log, and the last number on which both agree. To a reader
/// with an unknown epoch every message of the log is new. In memory each log has one epoch, which starts at 0.
pub(super) fn continuity(place: &Position, head: &Position) -> (bool, u64) {
    if place.epoch != head.epoch {
        (false, 0)
    } else if place.seq > head.seq {
        (false, head.seq)
    } else {
        (true, place.seq)
    }
}

/// `renew.lua`: whether a lease has expired.
pub(super) fn is_expired(renewed: Instant, now: Instant, lease: Duration) -> bool {
    now - renewed > lease
}

/// `renew.lua`: since when renewals have had no pause. A pause of `away` means that this process was suspended, not
/// that all nodes are dead.
pub(super) fn steady_since(
    last: Option<Instant>,
    steady_since: Instant,
    now: Instant,
    away: Duration,
) -> Instant {
    match last {
        Some(last) if now - last <= away => steady_since,
        _ => now,
    }
}

/// `renew.lua`: whether all living nodes have had a whole lease to renew, so the others are dead.
pub(super) fn may_declare_dead(steady_since: Instant, now: Instant, lease: Duration) -> bool {
    now - steady_since >= lease
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Epoch;

    const LEASE: Duration = Duration::from_secs(5);
    const AWAY: Duration = Duration::from_secs(2);

    #[test]
    fn a_lease_expires() {
        let now = Instant::now();
        assert!(!is_expired(now, now + LEASE, LEASE));
        assert!(is_expired(now, now + LEASE + Duration::from_millis(1), LEASE));
    }

    #[test]
    fn after_a_pause_of_all_renewals_no_node_is_dead_for_a_whole_lease() {
        let start = Instant::now();
        let thawed = start + Duration::from_secs(60);
        assert_eq!(steady_since(Some(start), start, start + AWAY, AWAY), start);
        assert_eq!(steady_since(Some(start), start, thawed, AWAY), thawed);
        assert!(!may_declare_dead(thawed, thawed + LEASE / 2, LEASE));
        assert!(may_declare_dead(thawed, thawed + LEASE, LEASE));
    }

    #[test]
    fn a_position_above_the_head_is_not_proven() {
        let at = |epoch, seq| Position { epoch: Epoch::new(epoch), seq };
        assert_eq!(continuity(&at("a", 7), &at("a", 7)), (true, 7));
        assert_eq!(continuity(&at("a", 8), &at("a", 7)), (false, 7));
        assert_eq!(continuity(&at("b", 3), &at("a", 7)), (false, 0));
    }
}
