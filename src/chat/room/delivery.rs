//! What passes to the sessions of a room, and what must wait.

use std::collections::HashMap;

use super::{Flow, Next, State};
use crate::chat::recipient::{Dialect, Flushes, Occupant};
use crate::model::{ConnectionId, LoggedMessage, Position, RoomName};
use crate::protocol::{ErrorCode, server};
use crate::telemetry::meters;
use crate::websocket::Frame;

/// Messages that wait for a repair, at most. Further ones are left out: the log has them, and is
/// read once more.
pub(super) const WAITING: usize = 1024;

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

    /// Whether it was in.
    pub(super) fn remove_member(&mut self, id: ConnectionId) -> bool {
        self.detach(id);
        self.newcomers.remove(id);
        self.members.remove(&id).is_some()
    }

    pub(super) fn detach(&mut self, id: ConnectionId) {
        if let Some(at) = self.seats.iter().position(|seat| seat.occupant.member.id == id) {
            self.seats.swap_remove(at);
        }
    }

    pub(super) fn wait(&mut self, message: LoggedMessage) {
        match self.waiting.len() < WAITING {
            true => self.waiting.push(message),
            false => self.has_left_out = true,
        }
    }

    /// Lets pass what waited and goes on from the place reached; what is left shows another hole.
    pub(super) fn settle(&mut self, flushes: &mut Flushes) -> Next {
        let waiting = std::mem::take(&mut self.waiting);
        for message in waiting {
            let Some(given) = self.given() else { break };
            if message.epoch != given.epoch || message.seq > given.seq + 1 {
                self.wait(message);
            } else if message.seq == given.seq + 1 {
                self.give(&message, flushes);
            }
        }
        let is_behind = self.shown.take().is_some_and(|head| !self.has_come_to(&head));
        if !self.waiting.is_empty() || self.has_left_out || is_behind {
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
        for seat in self.seats.iter().filter(|seat| seat.given < message.seq) {
            flushes.push(&seat.occupant.outbox, &frame);
            deliveries += 1;
        }
        meters().deliveries.increment(deliveries);
        self.tail.push(frame);
    }

    pub(super) fn reset(&mut self, room: &RoomName, position: Position, flushes: &mut Flushes) {
        self.tail.clear();
        for seat in &mut self.seats {
            seat.given = position.seq;
        }
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
        meters().skipped.increment(to + 1 - from);
        let mut told = HashMap::new();
        for seat in self.seats.iter().filter(|seat| seat.given < to) {
            let (dialect, from) = (seat.occupant.dialect, from.max(seat.given + 1));
            let frame = told.entry((dialect, from)).or_insert_with(|| gap(room, dialect, from, to));
            flushes.push(&seat.occupant.outbox, frame);
            meters().deliveries.increment(1);
        }
    }

    pub(super) fn tell(&self, frame: &Frame, concerns: &dyn Fn(&Occupant) -> bool, flushes: &mut Flushes) {
        let mut deliveries = 0;
        for occupant in self.seats.iter().map(|seat| &seat.occupant).filter(|occupant| concerns(occupant)) {
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
        self.newcomers.keep(frame, concerns);
        let concerns = |occupant: &Occupant| self.newcomers.has_entered(occupant) && concerns(occupant);
        self.tell(frame, &concerns, flushes);
    }

    pub(super) fn tell_count(&mut self, room: &RoomName, flushes: &mut Flushes) {
        let Some(client_count) = self.counts.take_due() else { return };
        let frame = server::count(room, client_count);
        self.tell_who_is_there(&frame, &|occupant| occupant.dialect == Dialect::Full, flushes);
    }
}

/// What tells a session that messages are lost.
pub(in crate::chat) fn gap(room: &RoomName, dialect: Dialect, from: u64, to: u64) -> Frame {
    match dialect {
        Dialect::Full => server::gap(room, from, to),
        Dialect::Plain => server::error(&server::Refusal {
            code: ErrorCode::MessagesSkipped,
            content: format!("{} messages were lost and can't be shown", to + 1 - from),
            retry_after: None,
            nonce: None,
            room_id: None,
        }),
    }
}
