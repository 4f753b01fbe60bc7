//! The rules that both backends follow, as functions without state. Each names the script that
//! decides the same inside Redis.

use std::time::Duration;

use tokio::time::Instant;

use crate::backend::LeaveMode;
use crate::model::Position;

/// How a room learns that somebody came or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    /// By a notice, which bears the new count.
    Notice,
    /// By the new count alone.
    Count,
    /// By the new count, and later by a notice unless the user comes back.
    CountThenNotice,
}

/// What a room knows of a user, apart from the session that comes or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Another session of the user is in the room.
    Present,
    /// The user's leave notice waits.
    Lingering,
    /// The user's leave notice waited and was said.
    SaidGone,
    /// Nothing.
    Unknown,
}

/// `enter.lua`: a user's first session is a join, but a return in time was never a leave.
pub(super) fn telling_of_entry(standing: Standing) -> Telling {
    match standing {
        Standing::Unknown | Standing::SaidGone => Telling::Notice,
        Standing::Present | Standing::Lingering => Telling::Count,
    }
}

/// `leave.lua`, `reap.lua`, `restore.lua`: a user's last session is a leave.
pub(super) fn telling_of_exit(standing: Standing, mode: LeaveMode) -> Telling {
    match (standing, mode) {
        (Standing::Present, _) => Telling::Count,
        (_, LeaveMode::Immediate) => Telling::Notice,
        (_, LeaveMode::AfterGracePeriod) => Telling::CountThenNotice,
    }
}

/// `restore.lua`: who is put back was never said to be gone, unless the farewell was said.
pub(super) fn telling_of_return(standing: Standing) -> Telling {
    match standing {
        Standing::SaidGone => Telling::Notice,
        Standing::Present | Standing::Lingering | Standing::Unknown => Telling::Count,
    }
}

/// Whether a room of so many sessions tells only its count.
pub(super) fn is_big(sessions: usize, announce_up_to: usize) -> bool {
    sessions > announce_up_to
}

/// `read.lua`: whether a reader's place lies in this log, and the last number on which both
/// agree. An unknown epoch tells nothing: all that the log numbered is new to its reader. Memory
/// has one epoch for each log, which began at 0.
pub(super) fn continuity(place: &Position, head: &Position) -> (bool, u64) {
    if place.epoch != head.epoch {
        (false, 0)
    } else if place.seq > head.seq {
        (false, head.seq)
    } else {
        (true, place.seq)
    }
}

/// `renew.lua`: whether a lease has run out.
pub(super) fn is_over(renewed: Instant, now: Instant, lease: Duration) -> bool {
    now - renewed > lease
}

/// `renew.lua`: since when renewals have not stopped. Without any for `away`, this process was
/// frozen rather than every node dead.
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

/// `renew.lua`: whether all who live have had a whole lease to renew, so that the others are dead.
pub(super) fn is_settled(steady_since: Instant, now: Instant, lease: Duration) -> bool {
    now - steady_since >= lease
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Epoch;

    const LEASE: Duration = Duration::from_secs(5);
    const AWAY: Duration = Duration::from_secs(2);

    #[test]
    fn a_lease_runs_out() {
        let now = Instant::now();
        assert!(!is_over(now, now + LEASE, LEASE));
        assert!(is_over(now, now + LEASE + Duration::from_millis(1), LEASE));
    }

    #[test]
    fn after_a_silence_of_all_nobody_is_dead_for_a_whole_lease() {
        let start = Instant::now();
        let thawed = start + Duration::from_secs(60);
        assert_eq!(steady_since(Some(start), start, start + AWAY, AWAY), start);
        assert_eq!(steady_since(Some(start), start, thawed, AWAY), thawed);
        assert!(!is_settled(thawed, thawed + LEASE / 2, LEASE));
        assert!(is_settled(thawed, thawed + LEASE, LEASE));
    }

    #[test]
    fn a_place_above_the_head_is_not_proven() {
        let at = |epoch, seq| Position { epoch: Epoch::new(epoch), seq };
        assert_eq!(continuity(&at("a", 7), &at("a", 7)), (true, 7));
        assert_eq!(continuity(&at("a", 8), &at("a", 7)), (false, 7));
        assert_eq!(continuity(&at("b", 3), &at("a", 7)), (false, 0));
    }
}
