//! A room as this node sees it: its sessions here, the place up to which they have been given
//! everything, and what waits until a hole before it is filled.

use std::sync::{Mutex, MutexGuard};

use tokio::sync::OnceCell;

use super::attendance::Attendance;
use super::buffer::Waiting;
use super::sink::{Flushes, Occupant};
use super::tail::Tail;
use super::throttle::{Counts, TypingRule, Typists};
use crate::backend::Page;
use crate::model::{ConnectionId, LoggedMessage, Member, Notice, NoticeKind, Position, RoomName, UserId};
use crate::protocol::server;
use crate::telemetry::meters;
use crate::websocket::Frame;

/// A room that this node is subscribed to, or about to be.
#[derive(Debug)]
pub struct Room {
    /// Its name.
    pub name: RoomName,
    /// Set once the subscription is confirmed and the room's place in the log is known.
    pub(super) opened: OnceCell<()>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) attendance: Attendance,
    pub(super) flow: Flow,
    pub(super) waiting: Waiting,
    /// Whether messages were left out since the log was last read.
    pub(super) has_left_out: bool,
    /// The newest place that a comparison has shown since then.
    pub(super) shown: Option<Position>,
    pub(super) tail: Tail,
    pub(super) counts: Counts,
    pub(super) typists: Typists,
}

/// Whether messages pass. The order that clients see rests on this: in `Live` a message passes
/// only as the direct successor of the last; in every other case it waits for the log.
#[derive(Debug, Default)]
pub(super) enum Flow {
    /// The place in the log is not known yet.
    #[default]
    Opening,
    /// Everything up to here was given.
    Live(Position),
    /// Everything up to here was given, and something after it is missing.
    Repairing(Position),
}

/// What the hub must do after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing.
    Go,
    /// Read the log and fill the hole.
    Repair,
}

/// Why a session could not be attached at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Behind;

impl Room {
    pub(in crate::chat) fn new(name: RoomName) -> Self {
        Self { name, opened: OnceCell::new(), state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds this lock")
    }

    // --- members ---

    /// From now on a restoration counts the session as being in the room, and what the room is told after
    /// its entrance is kept for it.
    pub(super) fn add_member(&self, occupant: &Occupant) {
        self.lock().attendance.enter(occupant.clone());
    }

    /// The backend tells nobody of the session's entrance.
    pub(super) fn expect_no_word_of(&self, id: ConnectionId) {
        self.lock().attendance.hear_of(id);
    }

    /// What the backend has told may have been lost, words of entrances among it.
    pub(super) fn expect_no_word(&self) {
        self.lock().attendance.hear_of_all();
    }

    /// From now on it doesn't, and gets nothing more. Returns whether it did.
    pub(in crate::chat) fn remove_member(&self, id: ConnectionId) -> bool {
        self.lock().attendance.leave(id)
    }

    /// As [`Room::remove_member`], for a task that panics, perhaps under this very lock: the next to take
    /// it finds the room broken, and the node ends.
    pub(in crate::chat) fn abandon_member(&self, id: ConnectionId) -> bool {
        self.state.lock().is_ok_and(|mut state| state.attendance.leave(id))
    }

    /// The sessions of this node that are in the room.
    pub(in crate::chat) fn members(&self) -> Vec<Member> {
        self.lock().attendance.members().cloned().collect()
    }

    /// How many they are.
    pub(in crate::chat) fn member_count(&self) -> usize {
        self.lock().attendance.len()
    }

    /// Whether a session of this node is in the room.
    pub(super) fn is_occupied(&self) -> bool {
        self.lock().attendance.len() > 0
    }

    // --- joining ---

    /// Lets a session take part from `position` on. Under one lock, so that nothing passes
    /// between: first `frames`, then what the room was given after `position`, and who has come and gone
    /// since the session entered, then what comes.
    /// Takes nothing of `frames` if the room is too far ahead.
    pub(super) fn attach(
        &self,
        occupant: &Occupant,
        position: &Position,
        frames: &mut Vec<Frame>,
    ) -> Result<(), Behind> {
        let mut state = self.lock();
        let given = state.given().filter(|given| given.epoch == position.epoch).ok_or(Behind)?.seq;
        let missed = state.tail.last(given.saturating_sub(position.seq)).ok_or(Behind)?;
        let mut flushes = Flushes::default();
        for frame in frames.drain(..) {
            flushes.push(&occupant.outbox, &frame);
        }
        for frame in missed {
            flushes.push(&occupant.outbox, frame);
        }
        // A session may be ahead of the room: the log is written before the publication arrives.
        for frame in state.attendance.seat(occupant, given.max(position.seq)) {
            flushes.push(&occupant.outbox, &frame);
        }
        drop(state);
        flushes.run_now();
        Ok(())
    }

    // --- messages ---

    /// Takes a live message: gives it if it is the next, lets it wait if something is missing.
    pub(super) fn take(&self, message: LoggedMessage, flushes: &mut Flushes) -> Next {
        let mut state = self.lock();
        let Flow::Live(given) = &state.flow else {
            state.wait(message);
            return Next::Go;
        };
        let is_same_epoch = given.epoch == message.epoch;
        if is_same_epoch && message.seq <= given.seq {
            return Next::Go;
        }
        if is_same_epoch && given.seq.checked_add(1) == Some(message.seq) {
            state.give(&message, flushes);
            return Next::Go;
        }
        state.flow = Flow::Repairing(given.clone());
        state.wait(message);
        Next::Repair
    }

    /// Begins at the room's newest place: sessions are given what comes after it, and read by
    /// themselves what came before.
    pub(super) fn begin(&self, head: Position, flushes: &mut Flushes) -> Next {
        let mut state = self.lock();
        state.flow = Flow::Repairing(head);
        state.settle(flushes)
    }

    /// Compares the room with its newest place in the log.
    pub(super) fn compare(&self, head: &Position) -> Next {
        let mut state = self.lock();
        match &state.flow {
            Flow::Live(given) if !state.has_come_to(head) => {
                state.flow = Flow::Repairing(given.clone());
                Next::Repair
            }
            Flow::Live(_) => Next::Go,
            // What is being read may have been read before that.
            Flow::Opening | Flow::Repairing(_) => {
                state.shown = Some(head.clone());
                Next::Go
            }
        }
    }

    /// The place after which the log must be read, and how many messages wait already.
    pub(super) fn repair_from(&self) -> Option<(Position, usize)> {
        let mut state = self.lock();
        state.has_left_out = false;
        state.shown = None;
        match &state.flow {
            Flow::Repairing(given) => Some((given.clone(), state.waiting.len())),
            Flow::Opening | Flow::Live(_) => None,
        }
    }

    /// Gives what was read after [`Room::repair_from`]'s place, tells what is lost, and lets pass
    /// what waited, if it goes on from there. `waited` is the number that waited before the read.
    pub(super) fn repair(&self, page: &Page, waited: usize, flushes: &mut Flushes) -> Next {
        let mut state = self.lock();
        let Flow::Repairing(given) = &state.flow else { return Next::Go };
        let resume_at = Position { epoch: page.head.epoch.clone(), seq: page.continuity.resume_at };
        let is_new_epoch = given.epoch != page.head.epoch;
        meters().epochs_begun.increment(u64::from(is_new_epoch));
        if !page.continuity.is_proven || is_new_epoch {
            state.reset(&self.name, resume_at, flushes);
        }
        for message in &page.messages {
            meters().messages_recovered.increment(1);
            // What the log has dropped, and what stands there and can't be read.
            state.skip(&self.name, message.seq.saturating_sub(1), flushes);
            state.give(message, flushes);
        }
        state.skip(&self.name, page.end, flushes);
        // What waited before the read and bears another epoch is older than what was read; and what is
        // published is logged, so a number above the head was never given.
        state
            .waiting
            .retain_first(waited, |message| message.epoch == page.head.epoch && message.seq <= page.head.seq);
        if page.has_more { Next::Repair } else { state.settle(flushes) }
    }

    // --- notices ---

    /// Gives a notice to those whom it concerns.
    pub(super) fn notify(&self, notice: &Notice, typing: TypingRule, flushes: &mut Flushes) {
        let mut state = self.lock();
        let concerns: &dyn Fn(&Occupant) -> bool = match notice.kind {
            // The session itself was told by `joined`, or is told when it is attached.
            NoticeKind::Join { .. } => &|occupant| Some(occupant.member.id) != notice.connection,
            NoticeKind::Leave { .. } => &|_| true,
            NoticeKind::Typing if !state.admits_typing(&notice.user_id, typing) => return,
            NoticeKind::Typing => &|occupant| occupant.member.user_id != notice.user_id,
        };
        let frame = server::notice(&self.name, notice);
        let (NoticeKind::Join { client_count } | NoticeKind::Leave { client_count }) = notice.kind else {
            state.tell(&frame, concerns, flushes);
            return;
        };
        state.counts.settle(client_count);
        state.tell_who_is_there(&frame, concerns, flushes);
        if let (NoticeKind::Join { .. }, Some(id)) = (notice.kind, notice.connection) {
            state.attendance.hear_of(id);
        }
    }

    /// Whether a typing notice of the user would be told: the room is not too large, and none was told lately.
    pub(in crate::chat) fn tells_typing(&self, user: &UserId, typing: TypingRule) -> bool {
        let state = self.lock();
        !state.is_above(typing.up_to) && !state.typists.contains(user, typing.every)
    }

    /// Messages to read for it at once, at most `most`: what is read is given under the room's lock.
    pub(super) fn page_limit(&self, most: usize) -> usize {
        /// Deliveries under one holding of the lock, about.
        const DELIVERIES: usize = 20_000;
        (DELIVERIES / self.member_count().max(1)).clamp(1, most)
    }

    /// Tells the number of sessions, now or with the next [`Room::tick`]. `entered`: the session whose
    /// entrance is told so.
    pub(super) fn count(&self, client_count: u64, entered: Option<ConnectionId>, flushes: &mut Flushes) {
        let mut state = self.lock();
        state.counts.set(client_count);
        state.tell_count(&self.name, flushes);
        if let Some(id) = entered {
            state.attendance.hear_of(id);
        }
    }

    /// How often a number of sessions was heard.
    pub(super) fn counts_heard(&self) -> u64 {
        self.lock().counts.heard()
    }

    /// Tells the number of sessions if it is not what was heard last: what told of it was lost. `heard` is
    /// [`Room::counts_heard`] from before it was asked for: if more was heard since, that is newer.
    pub(super) fn correct_count(&self, client_count: u64, heard: u64, flushes: &mut Flushes) {
        let mut state = self.lock();
        if state.counts.heard() == heard && state.counts.is_news(client_count) {
            state.counts.set(client_count);
            state.tell_count(&self.name, flushes);
        }
    }

    /// Once a second: tells a count that came too soon after another.
    pub(super) fn tick(&self, flushes: &mut Flushes) {
        self.lock().tell_count(&self.name, flushes);
    }
}
