//! What passes to the sessions of a room, and what must wait.

use std::collections::HashMap;

use super::buffer::Kept;
use super::room::{Flow, Next, State};
use super::sink::{Dialect, Flushes, Occupant};
use super::throttle::TypingRule;
use crate::model::{LoggedMessage, Position, RoomName, UserId};
use crate::protocol::{ErrorCode, server};
use crate::telemetry::meters;
use crate::websocket::Frame;

impl State {
    pub(super) fn given(&self) -> Option<&Position> {
        match &self.flow {
            Flow::Live(given) | Flow::Repairing(given) => Some(given),
            Flow::Opening => None,
        }
    }

    pub(super) fn has_come_to(&self, head: &Position) -> bool {
        self.given().is_some_and(|given| given.epoch == head.epoch && given.seq >= head.seq)
    }

    /// Whether the room is known to have more sessions, on all nodes.
    pub(super) fn is_above(&self, sessions: u64) -> bool {
        self.counts.last().is_some_and(|count| count > sessions)
    }

    pub(super) fn admits_typing(&mut self, user: &UserId, rule: TypingRule) -> bool {
        !self.is_above(rule.up_to) && self.typists.admit(user, rule.every)
    }

    pub(super) fn wait(&mut self, message: LoggedMessage) {
        if self.waiting.push(message) == Kept::LeftOut {
            self.has_left_out = true;
        }
    }

    /// Lets pass what waited and goes on from the place reached; what is left shows another hole.
    pub(super) fn settle(&mut self, flushes: &mut Flushes) -> Next {
        for message in self.waiting.take() {
            let Some(given) = self.given() else { break };
            if message.epoch != given.epoch || message.seq > given.seq.saturating_add(1) {
                self.wait(message);
            } else if message.seq > given.seq {
                self.give(&message, flushes);
            }
        }
        let is_behind = self.shown.take().is_some_and(|head| !self.has_come_to(&head));
        if self.waiting.len() > 0 || self.has_left_out || is_behind {
            return Next::Repair;
        }
        if let Flow::Repairing(given) = &self.flow {
            self.flow = Flow::Live(given.clone());
        }
        Next::Go
    }

    /// The one place where a message passes to the sessions.
    pub(super) fn give(&mut self, message: &LoggedMessage, flushes: &mut Flushes) {
        if let Flow::Live(given) | Flow::Repairing(given) = &mut self.flow {
            given.seq = message.seq;
        }
        let frame = server::message(message);
        let mut deliveries = 0;
        for seat in self.attendance.seats().filter(|seat| seat.given < message.seq) {
            flushes.push(&seat.occupant.outbox, &frame);
            deliveries += 1;
        }
        meters().deliveries.increment(deliveries);
        self.tail.push(frame);
    }

    pub(super) fn reset(&mut self, room: &RoomName, position: Position, flushes: &mut Flushes) {
        self.tail.clear();
        self.attendance.set_given(position.seq);
        let frame = server::reset(room, &position);
        self.tell(&frame, &|occupant| occupant.dialect == Dialect::Full, flushes);
        self.flow = Flow::Repairing(position);
    }

    /// Tells that everything up to `to` that was not given never will be. Who is ahead of the room has been
    /// given some of it, or all: it is told of the rest, for a gap says where to go on.
    pub(super) fn skip(&mut self, room: &RoomName, to: u64, flushes: &mut Flushes) {
        let Flow::Repairing(given) = &mut self.flow else { return };
        if to <= given.seq {
            return;
        }
        let from = given.seq + 1;
        given.seq = to;
        self.tail.clear();
        meters().messages_lost.increment((to - from).saturating_add(1));
        let mut told = HashMap::new();
        for seat in self.attendance.seats().filter(|seat| seat.given < to) {
            let (dialect, from) = (seat.occupant.dialect, from.max(seat.given + 1));
            let frame = told.entry((dialect, from)).or_insert_with(|| gap(room, dialect, from, to));
            flushes.push(&seat.occupant.outbox, frame);
            meters().deliveries.increment(1);
        }
    }

    pub(super) fn tell(&self, frame: &Frame, concerns: &dyn Fn(&Occupant) -> bool, flushes: &mut Flushes) {
        let mut deliveries = 0;
        for occupant in
            self.attendance.seats().map(|seat| seat.occupant).filter(|occupant| concerns(occupant))
        {
            flushes.push(&occupant.outbox, frame);
            deliveries += 1;
        }
        meters().deliveries.increment(deliveries);
    }

    /// Tells who came or went, or how many are there: those too who are about to be attached, but nobody who
    /// has not entered yet.
    pub(super) fn tell_who_is_there(
        &mut self,
        frame: &Frame,
        concerns: &dyn Fn(&Occupant) -> bool,
        flushes: &mut Flushes,
    ) {
        let deliveries = self.attendance.tell_entered(frame, concerns, flushes);
        meters().deliveries.increment(deliveries);
    }

    pub(super) fn tell_count(&mut self, room: &RoomName, flushes: &mut Flushes) {
        let Some(client_count) = self.counts.take_due() else { return };
        let frame = server::count(room, client_count);
        self.tell_who_is_there(&frame, &|occupant| occupant.dialect == Dialect::Full, flushes);
    }
}

/// What tells a session that messages are lost.
pub(super) fn gap(room: &RoomName, dialect: Dialect, from: u64, to: u64) -> Frame {
    match dialect {
        Dialect::Full => server::gap(room, from, to),
        Dialect::Plain => server::error(&server::Refusal {
            code: ErrorCode::MessagesSkipped,
            content: format!("{} messages were lost and can't be shown", (to - from).saturating_add(1)),
            retry_after: None,
            nonce: None,
            room_id: None,
        }),
    }
}
