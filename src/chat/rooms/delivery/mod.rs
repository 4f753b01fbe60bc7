//! The delivery of a room's messages and other frames to its sessions.

pub(super) mod buffer;
pub(super) mod tail;

use std::collections::HashMap;

use self::buffer::Kept;
use super::room::{Action, Delivery, State};
use super::sink::{FlushSet, RoomSession};
use super::throttle::TypingRule;
use crate::backend::{Delta, Page};
use crate::model::{LoggedMessage, Position, RoomName, UserId};
use crate::protocol::server::{self, Encodings, RoomFrame, encode};
use crate::telemetry::{count_error, meters};

impl State {
    pub(super) fn delivered(&self) -> Option<&Position> {
        match &self.delivery {
            Delivery::Live(delivered) | Delivery::CatchingUp(delivered) => Some(delivered),
            Delivery::Opening => None,
        }
    }

    pub(super) fn has_reached(&self, head: &Position) -> bool {
        self.delivered().is_some_and(|delivered| delivered.epoch == head.epoch && delivered.seq >= head.seq)
    }

    /// Whether the room is known to have more sessions, on all nodes.
    pub(super) fn is_above(&self, sessions: u64) -> bool {
        self.counts.last().is_some_and(|count| count > sessions)
    }

    pub(super) fn allows_typing(&mut self, user: &UserId, rule: TypingRule) -> bool {
        !self.is_above(rule.up_to) && self.typing_throttle.allow(user, rule.every)
    }

    pub(super) fn buffer(&mut self, message: LoggedMessage) {
        if self.buffered.push(message) == Kept::NoRoom {
            self.overflowed = true;
        }
    }

    /// Lets pass what waited and goes on from the place reached; what is left shows another hole.
    pub(super) fn drain_buffer(&mut self, flushes: &mut FlushSet) -> Action {
        for message in self.buffered.take() {
            let Some(delivered) = self.delivered() else { break };
            if message.epoch != delivered.epoch || message.seq > delivered.seq.saturating_add(1) {
                self.buffer(message);
            } else if message.seq > delivered.seq {
                self.deliver(&message, flushes);
            }
        }
        let is_behind = self.observed_head.take().is_some_and(|head| !self.has_reached(&head));
        if self.buffered.len() > 0 || self.overflowed || is_behind {
            return Action::CatchUp;
        }
        if let Delivery::CatchingUp(delivered) = &self.delivery {
            self.delivery = Delivery::Live(delivered.clone());
        }
        Action::None
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
                Delta::Gap { from, to } => self.announce_gap(room, from, to, flushes),
                Delta::Message(message) => {
                    meters().messages_recovered.increment(1);
                    self.deliver(message, flushes);
                }
            }
        }
    }

    /// The one place where a message or a change passes to the sessions.
    pub(super) fn deliver(&mut self, message: &LoggedMessage, flushes: &mut FlushSet) {
        self.set_delivered(message.seq);
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

    fn set_delivered(&mut self, seq: u64) {
        if let Delivery::Live(delivered) | Delivery::CatchingUp(delivered) = &mut self.delivery {
            delivered.seq = seq;
        }
    }

    fn reset(&mut self, room: &RoomName, position: Position, flushes: &mut FlushSet) {
        self.tail.clear();
        self.attendance.set_delivered(position.seq);
        self.send(Encodings::new(RoomFrame::reset(room, &position)), &|_| true, flushes);
        self.delivery = Delivery::CatchingUp(position);
    }

    /// Tells that the messages `from` to `to` never will be delivered. A session that is ahead of the room has been
    /// given some of them, or all: it is told of the rest, for a gap says where to go on.
    fn announce_gap(&mut self, room: &RoomName, from: u64, to: u64, flushes: &mut FlushSet) {
        self.set_delivered(to);
        self.tail.clear();
        meters().messages_lost.increment((to - from).saturating_add(1));
        let mut frames = HashMap::new();
        for attached in self.attendance.attached().filter(|attached| attached.delivered < to) {
            let kind = attached.session.kind;
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
