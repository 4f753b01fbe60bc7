//! The state machine of the lease: when to renew, when to resync, and the node's health. Pure, one step an event.

use std::time::{Duration, Instant};

use super::Lease;
use crate::backend::Health;

/// Delay before another resync if some rooms are unreachable although the lease can be renewed: a part of the
/// backend is down.
const RESYNC_AGAIN: Duration = Duration::from_secs(2);

/// The state between two events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    /// The health that the node reports.
    pub(super) health: Health,
    /// Whether membership was complete at the last renewal.
    is_complete: bool,
    /// When a resync became due: the backend's entries of this node may be wrong.
    resync_due: Option<Instant>,
    resync: Resync,
}

/// A resync runs concurrently with renewals: a part of the backend that does not answer would delay it until the
/// lease expires. It is never cancelled, and there is never a second one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resync {
    Idle,
    /// Started by a renewal with this result.
    Running(Lease),
    /// Done; the next renewal publishes it to the other nodes.
    Done,
}

/// An event of the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Renewed(Lease),
    RenewalFailed,
    Resynced,
    ResyncFailed,
}

/// The consequence of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Action {
    pub(super) next: NextRenewal,
    /// Start a resync.
    pub(super) resync: Option<Lease>,
    /// Call [`crate::backend::LocalNode::on_complete`].
    pub(super) notify_complete: bool,
}

/// When the lease is renewed next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NextRenewal {
    OnSchedule,
    Retry,
    Immediate,
}

impl State {
    pub(super) fn new() -> Self {
        Self { health: Health::Starting, is_complete: false, resync_due: None, resync: Resync::Idle }
    }

    pub(super) fn is_resyncing(&self) -> bool {
        matches!(self.resync, Resync::Running(_))
    }
}

/// The transition for an event.
pub(super) fn step(state: State, event: Event, now: Instant) -> (State, Action) {
    let nothing = Action { next: NextRenewal::OnSchedule, resync: None, notify_complete: false };
    match event {
        Event::Renewed(lease) => renewed(state, lease, now),
        Event::RenewalFailed => {
            // An abandoned command may still take effect, in any order.
            let state = State { resync_due: Some(now), ..with_health(state, Health::Lost) };
            (state, Action { next: NextRenewal::Retry, ..nothing })
        }
        Event::Resynced => {
            // Publishes the resync to the other nodes now, not with the next scheduled renewal.
            let action = Action { next: NextRenewal::Immediate, ..nothing };
            (State { resync: Resync::Done, ..state }, action)
        }
        Event::ResyncFailed if state.resync == Resync::Running(Lease::Expired) => {
            let state = State { resync: Resync::Idle, resync_due: Some(now), ..state };
            (with_health(state, Health::Lost), Action { next: NextRenewal::Retry, ..nothing })
        }
        Event::ResyncFailed => {
            // The lease is valid, and rooms that can be reached are correct. Only sessions that have left other
            // rooms are still members there.
            let resync_due = state.resync_due.or(Some(now + RESYNC_AGAIN));
            let state = State { resync: Resync::Idle, resync_due, ..state };
            (state, Action { next: NextRenewal::Immediate, ..nothing })
        }
    }
}

/// A renewal makes a node ready only if no resync is due.
fn renewed(mut state: State, lease: Lease, now: Instant) -> (State, Action) {
    let is_resynced = state.resync == Resync::Done;
    let was_due = state.resync_due.is_some_and(|at| now >= at);
    let is_complete = lease == Lease::Held;
    let notify_complete = is_complete && !state.is_complete;
    state.is_complete = is_complete;
    if is_resynced {
        state.resync = Resync::Idle;
    }
    if lease == Lease::Expired {
        // A running resync may have started before the expiry, so another follows.
        state.resync_due = Some(now);
    }
    let mut resync = None;
    if !state.is_resyncing() {
        if !was_due && (is_resynced || lease != Lease::Expired) {
            if state.health != Health::Starting || is_complete {
                state.health = Health::Ready;
            }
        } else {
            if state.health == Health::Lost {
                state.health = Health::Incomplete;
            }
            state.resync_due = None;
            state.resync = Resync::Running(lease);
            resync = Some(lease);
        }
    }
    let waits = lease != Lease::Held && !state.is_resyncing();
    let next = if waits { NextRenewal::Retry } else { NextRenewal::OnSchedule };
    (state, Action { next, resync, notify_complete })
}

/// A node that is starting keeps that state.
fn with_health(state: State, health: Health) -> State {
    let health = if state.health == Health::Starting { Health::Starting } else { health };
    State { health, ..state }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An event, the health after it, the next renewal, and whether a resync starts.
    type Row = (Event, Health, NextRenewal, bool);

    fn assert_steps(name: &str, rows: &[Row]) {
        let mut state = State::new();
        let start = Instant::now();
        for (number, (event, health, next, resyncs)) in rows.iter().enumerate() {
            // A second passes between two events.
            let now = start + Duration::from_secs(number as u64);
            let (after, action) = step(state, *event, now);
            assert_eq!((after.health, action.next), (*health, *next), "{name}, row {number}: {event:?}");
            assert_eq!(action.resync.is_some(), *resyncs, "{name}, row {number}: {event:?}");
            state = after;
        }
    }

    const ON_TIME: NextRenewal = NextRenewal::OnSchedule;
    const RETRY: NextRenewal = NextRenewal::Retry;
    const AT_ONCE: NextRenewal = NextRenewal::Immediate;
    const EXPIRED: Event = Event::Renewed(Lease::Expired);
    const INCOMPLETE: Event = Event::Renewed(Lease::Incomplete);
    const HELD: Event = Event::Renewed(Lease::Held);

    #[test]
    fn each_event_has_its_step() {
        let start = [
            (EXPIRED, Health::Starting, ON_TIME, true),
            (Event::Resynced, Health::Starting, AT_ONCE, false),
            (INCOMPLETE, Health::Starting, RETRY, false),
            (HELD, Health::Ready, ON_TIME, false),
        ];
        assert_steps("a start", &start);
        let failed_start = [
            (Event::RenewalFailed, Health::Starting, RETRY, false),
            (EXPIRED, Health::Starting, ON_TIME, true),
            (Event::ResyncFailed, Health::Starting, RETRY, false),
        ];
        assert_steps("a start without a backend", &failed_start);
        let outage = [
            (Event::RenewalFailed, Health::Lost, RETRY, false),
            (HELD, Health::Incomplete, ON_TIME, true),
            (HELD, Health::Incomplete, ON_TIME, false),
            (Event::Resynced, Health::Incomplete, AT_ONCE, false),
            (HELD, Health::Ready, ON_TIME, false),
        ];
        assert_steps("an outage", &[&start[..], &outage].concat());
        let expiry = [
            (EXPIRED, Health::Ready, ON_TIME, true),
            (Event::ResyncFailed, Health::Lost, RETRY, false),
            (EXPIRED, Health::Incomplete, ON_TIME, true),
            (EXPIRED, Health::Incomplete, ON_TIME, false),
            (Event::Resynced, Health::Incomplete, AT_ONCE, false),
            // The lease expired during the resync, so another follows.
            (EXPIRED, Health::Incomplete, ON_TIME, true),
            (Event::Resynced, Health::Incomplete, AT_ONCE, false),
            (EXPIRED, Health::Ready, RETRY, false),
        ];
        assert_steps("a lease that expires", &[&start[..], &expiry].concat());
        let silent_shard = [
            (Event::RenewalFailed, Health::Lost, RETRY, false),
            (HELD, Health::Incomplete, ON_TIME, true),
            (Event::ResyncFailed, Health::Incomplete, AT_ONCE, false),
            (HELD, Health::Ready, ON_TIME, false),
            (HELD, Health::Ready, ON_TIME, true),
        ];
        assert_steps("a shard that does not answer", &[&start[..], &silent_shard].concat());
    }

    #[test]
    fn the_node_is_notified_once_of_complete_membership() {
        let state = State::new();
        let now = Instant::now();
        let (state, action) = step(state, INCOMPLETE, now);
        assert!(!action.notify_complete);
        let (state, action) = step(state, HELD, now);
        assert!(action.notify_complete);
        let (_, action) = step(state, HELD, now);
        assert!(!action.notify_complete);
    }
}
