//! The delivery of a room's messages and other frames to its sessions.

pub(super) mod buffer;
pub(super) mod tail;
mod waiting;

use std::collections::HashMap;
use std::ops::RangeInclusive;

pub(super) use self::waiting::{Succession, Waiting};
use super::room::{Action, State};
use super::sink::{FlushSet, RoomSession};
use super::throttle::TypingRule;
use crate::backend::{Delta, Page};
use crate::model::{EntryKind, LoggedMessage, Position, RoomName, UserId};
use crate::protocol::server::{self, Encodings, RoomFrame, encode};
use crate::telemetry::{count_error, meters};

/// Whether messages pass. The order that clients see rests on this: in `Live` a message passes
/// only as the direct successor of the last; in every other case it waits for the log.
#[derive(Debug)]
pub(super) enum Delivery {
    /// The place in the log is not known yet.
    Opening(Waiting),
    /// Everything up to here was delivered.
    Live(Position),
    /// Everything up to here was delivered, and something after it is missing.
    CatchingUp(Position, Waiting),
}

impl Default for Delivery {
    fn default() -> Self {
        Self::Opening(Waiting::default())
    }
}

impl Delivery {
    /// The place up to which everything was delivered.
    pub(super) fn delivered(&self) -> Option<&Position> {
        match self {
            Self::Live(delivered) | Self::CatchingUp(delivered, _) => Some(delivered),
            Self::Opening(_) => None,
        }
    }

    fn set_delivered(&mut self, seq: u64) {
        if let Self::Live(delivered) | Self::CatchingUp(delivered, _) = self {
            delivered.seq = seq;
        }
    }

    /// The room's place in the log is known, or another one: an epoch has begun.
    pub(super) fn move_to(&mut self, position: Position) {
        let waiting = match std::mem::take(self) {
            Self::Opening(waiting) | Self::CatchingUp(_, waiting) => waiting,
            Self::Live(_) => Waiting::default(),
        };
        *self = Self::CatchingUp(position, waiting);
    }

    /// Something after the last message is missing, and nothing newer passes before the log was read.
    pub(super) fn interrupt(&mut self) -> Action {
        match self {
            Self::Live(delivered) => {
                *self = Self::CatchingUp(delivered.clone(), Waiting::default());
                Action::CatchUp
            }
            // The read that is under way shows it, or is made again.
            Self::Opening(_) | Self::CatchingUp(..) => Action::None,
        }
    }

    /// Goes live unless something is known to be missing.
    fn resume(&mut self) -> Action {
        match self {
            Self::CatchingUp(delivered, waiting) if waiting.is_over(delivered) => {
                *self = Self::Live(delivered.clone());
                Action::None
            }
            Self::CatchingUp(..) => Action::CatchUp,
            Self::Opening(_) | Self::Live(_) => Action::None,
        }
    }
}

impl State {
    /// Whether the room is known to have more sessions, on all nodes.
    pub(super) fn is_above(&self, sessions: u64) -> bool {
        self.counts.last().is_some_and(|count| count > sessions)
    }

    pub(super) fn allows_typing(&mut self, user: &UserId, rule: TypingRule) -> bool {
        !self.is_above(rule.up_to) && self.typing_throttle.allow(user, rule.every)
    }

    /// Lets pass what waited and goes on from the place reached; what is left shows another hole.
    pub(super) fn deliver_waiting(&mut self, flushes: &mut FlushSet) -> Action {
        if let Delivery::CatchingUp(delivered, waiting) = &mut self.delivery {
            for message in waiting.take_successors(delivered) {
                self.deliver(&message, flushes);
            }
        }
        self.delivery.resume()
    }

    /// Gives what a page tells after `delivered`.
    pub(super) fn deliver_page(
        &mut self,
        room: &RoomName,
        delivered: &Position,
        page: &Page,
        flushes: &mut FlushSet,
    ) {
        for delta in page.deltas(delivered) {
            match delta {
                Delta::Reset(position) => self.reset(room, position, flushes),
                Delta::Gap { from, to, of } => self.announce_gap(room, from..=to, of, flushes),
                Delta::Message(message) => {
                    meters().messages_recovered.increment(1);
                    self.deliver(message, flushes);
                }
            }
        }
    }

    /// The one place where a message or a change passes to the sessions.
    pub(super) fn deliver(&mut self, message: &LoggedMessage, flushes: &mut FlushSet) {
        self.delivery.set_delivered(message.seq);
        let frame = server::message(message);
        let mut deliveries = 0;
        for attached in self.attendance.attached().filter(|attached| attached.delivered < message.seq) {
            if server::is_shown(message.kind, attached.session.kind) {
                flushes.push(&attached.session.sink, &frame);
                deliveries += 1;
            }
        }
        meters().deliveries.increment(deliveries);
        self.tail.push(frame, message.kind);
    }

    fn reset(&mut self, room: &RoomName, position: Position, flushes: &mut FlushSet) {
        self.tail.clear();
        self.attendance.set_delivered(position.seq);
        self.send(Encodings::new(RoomFrame::reset(room, &position)), &|_| true, flushes);
        self.delivery.move_to(position);
    }

    /// Tells that messages never will be delivered. A session that is ahead of the room has been given some of them, or all:
    /// it is told of the rest, for a gap says where to go on. Sessions that get no entries of the kind `of` have lost nothing.
    fn announce_gap(
        &mut self,
        room: &RoomName,
        lost: RangeInclusive<u64>,
        of: EntryKind,
        flushes: &mut FlushSet,
    ) {
        let (from, to) = lost.into_inner();
        self.delivery.set_delivered(to);
        self.tail.clear();
        meters().messages_lost.increment((to - from).saturating_add(1));
        let mut frames = HashMap::new();
        for attached in self.attendance.attached().filter(|attached| attached.delivered < to) {
            let kind = attached.session.kind;
            if !server::is_shown(of, kind) {
                continue;
            }
            let from = from.max(attached.delivered + 1);
            let gap = RoomFrame::Gap { room_id: room, from, to };
            let frame = frames.entry((kind, from)).or_insert_with(|| encode(&gap.into(), kind));
            let Some(frame) = frame else { continue };
            flushes.push(&attached.session.sink, frame);
            meters().deliveries.increment(1);
            count_gap_error(attached.session);
        }
    }

    /// Gives a frame to the sessions that take part and that it concerns.
    pub(super) fn send(
        &self,
        mut frame: Encodings<'_>,
        concerns: &dyn Fn(&RoomSession) -> bool,
        flushes: &mut FlushSet,
    ) {
        let mut deliveries = 0;
        let sessions = self.attendance.attached().map(|attached| attached.session);
        for session in sessions.filter(|session| concerns(session)) {
            if let Some(frame) = frame.get(session.kind) {
                flushes.push(&session.sink, frame);
                deliveries += 1;
            }
        }
        meters().deliveries.increment(deliveries);
    }

    /// Tells who came or went, or how many are there: those too who are about to be attached, but nobody who
    /// has not entered yet.
    pub(super) fn send_presence(
        &mut self,
        frame: Encodings<'_>,
        concerns: &dyn Fn(&RoomSession) -> bool,
        flushes: &mut FlushSet,
    ) {
        let deliveries = self.attendance.send_presence(frame, concerns, flushes);
        meters().deliveries.increment(deliveries);
    }

    pub(super) fn send_count(&mut self, room: &RoomName, flushes: &mut FlushSet) {
        let Some(client_count) = self.counts.take_due() else { return };
        self.send_presence(
            Encodings::new(RoomFrame::Count { room_id: room, client_count }),
            &|_| true,
            flushes,
        );
    }
}

/// A session that is told of lost messages by an error counts among the errors.
pub(super) fn count_gap_error(session: &RoomSession) {
    if let Some(code) = session.kind.gap_error() {
        count_error(code.as_str());
    }
}
