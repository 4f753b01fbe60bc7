//! A room as this node sees it: its sessions here, the place up to which they have been given
//! everything, and what waits until a hole before it is filled.

use std::sync::{Mutex, MutexGuard};

use tokio::sync::OnceCell;

use super::attendance::Attendance;
use super::delivery::tail::Tail;
use super::delivery::{Delivery, Succession, Waiting};
use super::rules::LiveRules;
use super::sink::{FlushSet, RoomSession};
use super::throttle::{CountThrottle, TypingRule, TypingThrottle};
use crate::backend::Page;
use crate::chat::Identity;
use crate::model::{ConnectionId, LoggedMessage, Member, Notice, NoticeKind, Position, RoomName, UserId};
use crate::protocol::Rejection;
use crate::protocol::server::{Encodings, NoticeFrame, is_shown};
use crate::telemetry::meters;
use crate::websocket::Frame;

/// A room that this node is subscribed to, or about to be.
#[derive(Debug)]
pub struct Room {
    /// Its name.
    pub name: RoomName,
    /// Set once the subscription is confirmed and the room's place in the log is known.
    pub(super) opened: OnceCell<()>,
    pub(super) rules: LiveRules,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) attendance: Attendance,
    pub(super) delivery: Delivery,
    pub(super) tail: Tail,
    pub(super) counts: CountThrottle,
    pub(super) typing_throttle: TypingThrottle,
    /// How often the members of a private room may have changed unnoticed.
    pub(super) suspensions: u64,
}

/// The hub's task after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing.
    None,
    /// Read the log and fill the hole.
    CatchUp,
}

/// The extent of a repair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Repair {
    /// The place after which it reads.
    pub(super) delivered: Position,
    /// Messages that wait already.
    pub(super) buffered: usize,
    /// [`Room::suspensions`]
    pub(super) suspensions: u64,
}

/// Why a session could not be attached at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotAttached {
    TooFarBehind,
    /// Its user is no member any more.
    Expelled,
}

impl Room {
    pub(in crate::chat) fn new(name: RoomName) -> Self {
        Self { name, opened: OnceCell::new(), rules: LiveRules::default(), state: Mutex::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds this lock")
    }

    /// Whether the subscription is confirmed, so that the events of changed rules arrive.
    pub(in crate::chat) fn is_open(&self) -> bool {
        self.opened.initialized()
    }

    /// Whether a user is known as a member of a private room.
    pub(in crate::chat) fn is_known_member(&self, user: &UserId) -> bool {
        self.rules.has_member(user)
    }

    /// Whether a user owns a private room, as far as is known.
    pub(in crate::chat) fn is_owner(&self, user: &UserId) -> bool {
        self.rules.is_owner(user)
    }

    /// Whether a user may speak in it; `None` before its rules are known.
    pub(in crate::chat) fn check_speech(&self, identity: &Identity) -> Option<Result<(), Rejection>> {
        if self.name.is_private() && !self.rules.has_member(&identity.author.user_id) {
            return Some(Err(Rejection::room_not_found()));
        }
        self.rules.check(identity)
    }

    // --- members ---

    /// From now on a restoration counts the session as being in the room, and what the room is told after
    /// its entrance is kept for it.
    pub(super) fn add_member(&self, session: &RoomSession) {
        self.lock().attendance.enter(session.clone());
    }

    /// The backend tells nobody of the session's entrance.
    pub(super) fn assume_joined(&self, id: ConnectionId) {
        self.lock().attendance.observe_join(id);
    }

    /// Events of the backend may have been lost, those of entrances among them.
    pub(super) fn assume_all_joined(&self) {
        self.lock().attendance.observe_all_joins();
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

    /// Whether a session of this node is one of them.
    pub(super) fn has_member(&self, id: ConnectionId) -> bool {
        self.lock().attendance.contains(id)
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

    /// The place up to which its sessions have been given everything; `None` before it is known.
    pub(super) fn delivered(&self) -> Option<Position> {
        self.lock().delivery.delivered().cloned()
    }

    /// Lets a session take part from `position` on. Under one lock, so that nothing passes
    /// between: first `frames`, then what the room was given after `position`, and who has come and gone
    /// since the session entered, then what comes.
    /// Takes nothing of `frames` if the room is too far ahead, or the session's user is no member any more.
    pub(super) fn attach(
        &self,
        session: &RoomSession,
        position: &Position,
        frames: &mut Vec<Frame>,
    ) -> Result<(), NotAttached> {
        let mut state = self.lock();
        if state.attendance.is_expelled(session.member.id) {
            return Err(NotAttached::Expelled);
        }
        let delivered = state.delivery.delivered().filter(|delivered| delivered.epoch == position.epoch);
        let delivered = delivered.ok_or(NotAttached::TooFarBehind)?.seq;
        let missed =
            state.tail.last(delivered.saturating_sub(position.seq)).ok_or(NotAttached::TooFarBehind)?;
        let mut flushes = FlushSet::default();
        for frame in frames.drain(..) {
            flushes.push(&session.sink, &frame);
        }
        for (frame, _) in missed.filter(|(_, kind)| is_shown(*kind, session.kind)) {
            flushes.push(&session.sink, frame);
        }
        // A session may be ahead of the room: the log is written before the publication arrives.
        for frame in state.attendance.attach(session, delivered.max(position.seq)) {
            flushes.push(&session.sink, &frame);
        }
        drop(state);
        flushes.run_now();
        Ok(())
    }

    // --- messages ---

    /// Takes a live message: delivers it if it is the next, buffers it if something before it is missing.
    pub(super) fn on_message(&self, message: LoggedMessage, flushes: &mut FlushSet) -> Action {
        let mut state = self.lock();
        let delivered = match &mut state.delivery {
            Delivery::Live(delivered) => delivered,
            Delivery::Opening(waiting) | Delivery::CatchingUp(_, waiting) => {
                waiting.push(message);
                return Action::None;
            }
        };
        match Succession::of(&message, delivered) {
            Succession::Past => Action::None,
            Succession::Next => {
                state.deliver(&message, flushes);
                Action::None
            }
            Succession::Later => {
                let mut waiting = Waiting::default();
                waiting.push(message);
                state.delivery = Delivery::CatchingUp(delivered.clone(), waiting);
                Action::CatchUp
            }
        }
    }

    /// Begins at the room's newest place: sessions are given what comes after it, and read by
    /// themselves what came before.
    /// `suspensions`: [`Room::suspensions`] from before its members were read.
    pub(super) fn begin(&self, head: Position, suspensions: u64, flushes: &mut FlushSet) -> Action {
        let mut state = self.lock();
        state.delivery.move_to(head);
        if state.suspensions != suspensions {
            return Action::CatchUp;
        }
        state.deliver_waiting(flushes)
    }

    /// Compares the room with its newest place in the log.
    pub(super) fn check_head(&self, head: &Position) -> Action {
        let delivery = &mut self.lock().delivery;
        match delivery {
            Delivery::Live(delivered) if delivered.has_reached(head) => {}
            Delivery::Live(_) => return delivery.interrupt(),
            // The read that is under way may have been answered before that.
            Delivery::Opening(waiting) | Delivery::CatchingUp(_, waiting) => {
                waiting.observe_head(head.clone())
            }
        }
        Action::None
    }

    /// The place after which the log must be read, and what the room stands at meanwhile.
    pub(super) fn catch_up_from(&self) -> Option<Repair> {
        let state = &mut *self.lock();
        let Delivery::CatchingUp(delivered, waiting) = &mut state.delivery else { return None };
        let buffered = waiting.begin_read();
        Some(Repair { delivered: delivered.clone(), buffered, suspensions: state.suspensions })
    }

    /// Delivers what was read after [`Room::catch_up_from`]'s place, tells what is lost, and lets pass
    /// what was buffered, if it goes on from there. A private room that was suspended since is read again.
    pub(super) fn catch_up(&self, page: &Page, repair: &Repair, flushes: &mut FlushSet) -> Action {
        let mut state = self.lock();
        if state.suspensions != repair.suspensions {
            return Action::CatchUp;
        }
        let Delivery::CatchingUp(delivered, waiting) = &mut state.delivery else { return Action::None };
        waiting.end_read(repair.buffered, &page.head);
        let delivered = delivered.clone();
        meters().epochs_begun.increment(u64::from(delivered.epoch != page.head.epoch));
        state.deliver_page(&self.name, &delivered, page, flushes);
        if page.has_more { Action::CatchUp } else { state.deliver_waiting(flushes) }
    }

    // --- notices ---

    /// Gives a notice to the sessions that it concerns.
    pub(super) fn notify(&self, notice: &Notice, typing: TypingRule, flushes: &mut FlushSet) {
        let mut state = self.lock();
        let concerns: &dyn Fn(&RoomSession) -> bool = match notice.kind {
            // The session itself was told by `joined`, or is told when it is attached.
            NoticeKind::Join { .. } => &|session| Some(session.member.id) != notice.connection,
            NoticeKind::Leave { .. } => &|_| true,
            NoticeKind::Typing if !state.allows_typing(&notice.user_id, typing) => return,
            NoticeKind::Typing => &|session| session.member.user_id != notice.user_id,
        };
        let frame = Encodings::new(NoticeFrame::new(&self.name, notice));
        let (NoticeKind::Join { client_count } | NoticeKind::Leave { client_count }) = notice.kind else {
            state.send(frame, concerns, flushes);
            return;
        };
        state.counts.settle(client_count);
        state.send_presence(frame, concerns, flushes);
        if let (NoticeKind::Join { .. }, Some(id)) = (notice.kind, notice.connection) {
            state.attendance.observe_join(id);
        }
    }

    /// Whether a typing notice of the user would be told: the room is not too large, and none was told lately.
    pub(in crate::chat) fn tells_typing(&self, user: &UserId, typing: TypingRule) -> bool {
        let state = self.lock();
        !state.is_above(typing.up_to) && !state.typing_throttle.contains(user, typing.every)
    }

    /// Messages to read for it at once, at most `most`: what is read is given under the room's lock.
    pub(super) fn page_limit(&self, most: usize) -> usize {
        /// Deliveries under one holding of the lock, about.
        const DELIVERIES: usize = 20_000;
        (DELIVERIES / self.member_count().max(1)).clamp(1, most)
    }

    /// Tells the number of sessions, now or with the next [`Room::tick`]. `entered`: the session whose
    /// entrance is told so.
    pub(super) fn count(&self, client_count: u64, entered: Option<ConnectionId>, flushes: &mut FlushSet) {
        let mut state = self.lock();
        state.counts.set(client_count);
        state.send_count(&self.name, flushes);
        if let Some(id) = entered {
            state.attendance.observe_join(id);
        }
    }

    /// How many counts have arrived.
    pub(super) fn counts_received(&self) -> u64 {
        self.lock().counts.received()
    }

    /// Tells the number of sessions if it differs from the last that arrived: the event that told of it was lost. `received` is
    /// [`Room::counts_received`] from before it was asked for: a count that arrived since is newer.
    pub(super) fn correct_count(&self, client_count: u64, received: u64, flushes: &mut FlushSet) {
        let mut state = self.lock();
        if state.counts.received() == received && state.counts.is_news(client_count) {
            state.counts.set(client_count);
            state.send_count(&self.name, flushes);
        }
    }

    /// Once a second: tells a count that came too soon after another.
    pub(super) fn tick(&self, flushes: &mut FlushSet) {
        self.lock().send_count(&self.name, flushes);
    }
}
