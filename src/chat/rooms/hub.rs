//! The rooms to which this node is subscribed, and the one task that hands their events to sessions.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{Notify, watch};
use tracing::debug;

use super::room::{Action, Room};
use super::sink::FlushSet;
use super::throttle::TypingRule;
use crate::backend::{Backend, BackendEvent, Channel, Events, Page, Result, Span};
use crate::chat::notifications::Notices;
use crate::chat::users::{KnownStandings, Users};
use crate::model::{ControlEvent, Event, Position, RoomName, UserEvent, UserId};
use crate::supervisor::Supervisor;
use crate::telemetry::meters;

/// Events handled between two flushes, at most: what arrives together is written together.
const BATCH: usize = 256;

/// Rooms whose places are compared in one pipeline.
const ROOMS_PER_COMPARISON: usize = 256;

/// Wait before a log that could not be read is tried again.
const RETRY: Duration = Duration::from_millis(250);

/// The rooms of this node; a cheap handle.
#[derive(Debug, Clone)]
pub(in crate::chat) struct Hub {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) backend: Backend,
    // A room is here while the hub is subscribed to it. Handles are given out under this lock only, so a room
    // that nobody else holds can be let go under it.
    pub(super) rooms: RwLock<HashMap<RoomName, Arc<Room>>>,
    /// Rooms in which something was published that this version can't read: it may have been a message.
    unreadable_rooms: Mutex<HashSet<RoomName>>,
    page: usize,
    typing: TypingRule,
    /// All rooms are to be compared with their logs.
    resumed: Notify,
    standings: KnownStandings,
    notices: Notices,
    pub(super) supervisor: Supervisor,
}

impl Hub {
    pub(in crate::chat) fn new(
        backend: Backend,
        page: usize,
        typing: TypingRule,
        standings: KnownStandings,
        notices: Notices,
        supervisor: Supervisor,
    ) -> Self {
        let rooms = RwLock::default();
        let resumed = Notify::new();
        Self {
            inner: Arc::new(Inner {
                backend,
                rooms,
                unreadable_rooms: Mutex::default(),
                page,
                typing,
                resumed,
                standings,
                notices,
                supervisor,
            }),
        }
    }

    /// The room, subscribed and at a known place. Several callers open it once.
    pub(in crate::chat) async fn open(&self, name: &RoomName) -> Result<Arc<Room>> {
        let room = self.room(name);
        room.opened.get_or_try_init(|| self.begin(&room)).await?;
        Ok(room)
    }

    fn room(&self, name: &RoomName) -> Arc<Room> {
        if let Some(room) = self.find(name) {
            return room;
        }
        let mut rooms = self.inner.rooms.write().expect("no code panics while it holds this lock");
        rooms.entry(name.clone()).or_insert_with(|| Arc::new(Room::new(name.clone()))).clone()
    }

    pub(in crate::chat) fn find(&self, name: &RoomName) -> Option<Arc<Room>> {
        self.inner.rooms.read().expect("no code panics while it holds this lock").get(name).cloned()
    }

    pub(super) fn lock_unreadable_rooms(&self) -> MutexGuard<'_, HashSet<RoomName>> {
        self.inner.unreadable_rooms.lock().expect("no code panics while it holds this lock")
    }

    pub(super) fn all(&self) -> Vec<Arc<Room>> {
        self.inner.rooms.read().expect("no code panics while it holds this lock").values().cloned().collect()
    }

    /// Subscribes first and reads place and rules after that: what is published in between waits in the
    /// room, so nothing falls between the two.
    async fn begin(&self, room: &Arc<Room>) -> Result<()> {
        self.inner.backend.pubsub.subscribe(&Channel::Room(room.name.clone())).await?;
        let suspensions = room.suspensions();
        let (head, ()) = tokio::try_join!(self.inner.backend.log.head(&room.name), self.read_rules(room))?;
        let mut flushes = FlushSet::default();
        let next = room.begin(head, suspensions, &mut flushes);
        self.follow(room, next);
        flushes.run_now();
        Ok(())
    }

    pub(super) fn backend(&self) -> &Backend {
        &self.inner.backend
    }

    pub(super) fn supervisor(&self) -> &Supervisor {
        &self.inner.supervisor
    }

    pub(super) fn users(&self) -> &Users {
        self.inner.standings.users()
    }

    /// Number of public rooms with sessions of this node. Private rooms are in no count that others see.
    pub(in crate::chat) fn occupied_public(&self) -> usize {
        self.occupied_rooms().iter().filter(|room| !room.name.is_private()).count()
    }

    /// Rooms with sessions of this node.
    pub(in crate::chat) fn occupied_rooms(&self) -> Vec<Arc<Room>> {
        self.all().into_iter().filter(|room| room.is_occupied()).collect()
    }

    /// Hands on events until the backend ends. The only caller of [`Room::on_message`], which is why
    /// messages pass in the order of their publication. `on_control` takes the events for all nodes, and must not block.
    pub(in crate::chat) async fn run(self, mut events: Events, on_control: impl Fn(ControlEvent)) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut flushes = FlushSet::default();
        let mut feed = self.inner.backend.pubsub.resumed();
        loop {
            let received = tokio::select! {
                () = self.inner.supervisor.stopping() => return,
                received = events.recv_many(&mut batch, BATCH) => received,
            };
            if received == 0 {
                return;
            }
            // The mark of a loss was read before the events after it.
            if feed.has_changed().unwrap_or(false) {
                feed.mark_unchanged();
                self.suspend_private_rooms();
            }
            for event in batch.drain(..) {
                self.on_event(event, &on_control, &mut flushes);
                if flushes.is_long() {
                    flushes.run().await;
                }
            }
            flushes.run().await;
        }
    }

    fn on_event(&self, event: BackendEvent, on_control: &impl Fn(ControlEvent), flushes: &mut FlushSet) {
        match event {
            BackendEvent::Published(Channel::Room(name), event) => self.on_room_event(&name, event, flushes),
            BackendEvent::Unreadable(Channel::Room(name)) => drop(self.lock_unreadable_rooms().insert(name)),
            BackendEvent::Published(Channel::Control, Event::Control(event)) => {
                self.on_control_event(event, on_control, flushes);
            }
            // It may have been such an event.
            BackendEvent::Published(Channel::Control, _) | BackendEvent::Unreadable(Channel::Control) => {
                self.inner.standings.on_possible_loss();
                self.inner.notices.on_possible_loss(self.users());
            }
            BackendEvent::Published(Channel::User(user), Event::User(event)) => {
                self.tell_user(&user, &event, flushes);
            }
            // It may have been anything.
            BackendEvent::Published(Channel::User(user), _)
            | BackendEvent::Unreadable(Channel::User(user)) => {
                self.tell_user(&user, &UserEvent::RoomsChanged, flushes);
                self.inner.notices.owe(&user);
            }
        }
    }

    fn on_control_event(
        &self,
        event: ControlEvent,
        on_control: &impl Fn(ControlEvent),
        flushes: &mut FlushSet,
    ) {
        match event {
            ControlEvent::UserChanged(user) => self.inner.standings.on_change(&user),
            ControlEvent::ReportsChanged => self.users().tell_moderators(flushes),
            event => {
                self.inner.notices.on_control(&event, self.users());
                on_control(event);
            }
        }
    }

    fn on_room_event(&self, name: &RoomName, event: Event, flushes: &mut FlushSet) {
        // Events go on for a moment after the room was let go.
        let Some(room) = self.find(name) else { return };
        match event {
            Event::Message(message) => {
                if let Some(taken_in) = message.taken_in {
                    meters().delivery_latency.record(taken_in.elapsed());
                }
                let next = room.on_message(message, flushes);
                self.follow(&room, next);
            }
            Event::Notice(notice) => room.notify(&notice, self.inner.typing, flushes),
            Event::Count { client_count, entered } => room.count(client_count, entered, flushes),
            Event::Control(ControlEvent::MemberRemoved(user)) => self.on_member_removed(&room, &user),
            Event::Control(ControlEvent::RoomDeleted) => self.on_room_deleted(&room),
            Event::Control(_) => self.reread_rules(&room),
            Event::User(_) => {}
        }
    }

    fn tell_user(&self, user: &UserId, event: &UserEvent, flushes: &mut FlushSet) {
        // A member that was removed a moment ago is told nothing more.
        let is_gone = |room: &Room| room.is_open() && room.name.is_private() && !room.is_known_member(user);
        let is_in = |room: &RoomName, session| {
            self.find(room).is_some_and(|room| room.has_member(session) || is_gone(&room))
        };
        self.users().tell(user, event, is_in, flushes);
    }

    // --- repair ---

    pub(super) fn follow(&self, room: &Arc<Room>, next: Action) {
        if next == Action::CatchUp {
            let (hub, room) = (self.clone(), room.clone());
            let supervisor = self.inner.supervisor.clone();
            self.inner.supervisor.run_once("room-repair", async move {
                supervisor.until_stopping(hub.catch_up(&room)).await;
            });
        }
    }

    /// Fills the hole of a room, once for all its sessions, however often it takes: until it is
    /// filled nothing newer passes.
    async fn catch_up(&self, room: &Room) {
        while let Some(repair) = room.catch_up_from() {
            let limit = room.page_limit(self.inner.page);
            match self.read_page(room, repair.delivered.clone(), limit).await {
                Ok(page) => {
                    let mut flushes = FlushSet::default();
                    let next = room.catch_up(&page, &repair, &mut flushes);
                    flushes.run().await;
                    if next == Action::None {
                        return;
                    }
                    if page.messages.is_empty() {
                        // The log is read again for what it did not have.
                        tokio::time::sleep(RETRY).await;
                    }
                }
                Err(error) => {
                    debug!(%error, room = %room.name, "could not read the log of a room");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// Reads a page for a room's sessions, and the members of a private room after it: a user that was removed before a message
    /// was posted is not given it.
    async fn read_page(&self, room: &Room, after: Position, limit: usize) -> Result<Page> {
        let page = self.inner.backend.log.read(&room.name, Span::After(after), limit).await?;
        if room.name.is_private() {
            self.read_rules(room).await?;
        }
        Ok(page)
    }

    /// Has all rooms compared with their logs, and told how many are there.
    pub(in crate::chat) fn compare_soon(&self) {
        self.inner.resumed.notify_one();
    }

    /// Ends when events may have been missed, or somebody wants the rooms compared.
    async fn interrupted(&self, feed: &mut watch::Receiver<u64>) {
        tokio::select! {
            () = self.inner.resumed.notified() => {}
            Ok(()) = feed.changed() => {}
        }
    }

    /// After each interruption, however many came meanwhile: compares all rooms with their logs, as
    /// often as it takes.
    pub(in crate::chat) async fn compare_when_resumed(self) {
        let mut feed = self.inner.backend.pubsub.resumed();
        let mut silent = Vec::new();
        loop {
            let again = !silent.is_empty();
            tokio::select! {
                () = self.inner.supervisor.stopping() => return,
                () = self.interrupted(&mut feed) => {
                    silent = self.all();
                    silent.iter().for_each(|room| room.assume_all_joined());
                }
                () = tokio::time::sleep(RETRY), if again => {}
            }
            let comparing = self.compare_all(&silent);
            let Some(left) = self.inner.supervisor.until_stopping(comparing).await else { return };
            silent = left;
        }
    }

    /// Compares rooms with their logs and tells how many are there now. Returns those whose log could not
    /// be read: a part of the backend that is down must not hold up the rooms of others. Nor, where it
    /// takes a time-out to find that out, may many of its rooms: so all groups are compared at once.
    async fn compare_all(&self, rooms: &[Arc<Room>]) -> Vec<Arc<Room>> {
        let comparing = rooms.chunks(ROOMS_PER_COMPARISON).map(async |rooms| {
            let ((compared, silent), ()) = tokio::join!(self.compare(rooms), self.reread_all_rules(rooms));
            self.correct_counts(&compared).await;
            silent
        });
        join_all(comparing).await.into_iter().flatten().collect()
    }

    /// Joins and leaves are not logged; but how many are there now can be told.
    async fn correct_counts(&self, rooms: &[Arc<Room>]) {
        let rooms: Vec<_> = rooms.iter().filter(|room| room.is_occupied()).cloned().collect();
        if rooms.is_empty() {
            return;
        }
        let received: Vec<u64> = rooms.iter().map(|room| room.counts_received()).collect();
        match self.inner.backend.presence.counts(&names_of(&rooms)).await {
            Ok(counts) => {
                let mut flushes = FlushSet::default();
                for ((room, client_count), received) in rooms.into_iter().zip(counts).zip(received) {
                    room.correct_count(client_count, received, &mut flushes);
                }
                flushes.run().await;
            }
            // As while nodes put their sessions back, each of which tells the counts that it changes.
            Err(error) => debug!(%error, "could not count members"),
        }
    }

    /// Compares rooms with their logs once and repairs those that are behind. Returns those that were
    /// compared, and those whose log could not be read.
    pub(super) async fn compare(&self, rooms: &[Arc<Room>]) -> (Vec<Arc<Room>>, Vec<Arc<Room>>) {
        let (mut compared, mut silent) = (Vec::new(), Vec::new());
        if rooms.is_empty() {
            return (compared, silent);
        }
        let heads = self.inner.backend.log.heads(&names_of(rooms)).await;
        for (room, head) in rooms.iter().zip(heads) {
            match head {
                Ok(head) => {
                    self.compare_with(room, &head);
                    compared.push(room.clone());
                }
                Err(error) => {
                    debug!(error = %error.root_cause(), room = %room.name, "could not compare a room with its log");
                    silent.push(room.clone());
                }
            }
        }
        (compared, silent)
    }

    /// Repairs a room that is behind a place which was read in the log.
    pub(in crate::chat) fn compare_with(&self, room: &Arc<Room>, head: &Position) {
        self.follow(room, room.check_head(head));
    }
}

pub(in crate::chat) fn names_of(rooms: &[Arc<Room>]) -> Vec<RoomName> {
    rooms.iter().map(|room| room.name.clone()).collect()
}
