//! Which rooms are occupied, for sessions that watch: one read of the backend every two seconds serves all
//! of them, and none is made while nobody watches.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;
use tracing::debug;

use super::sink::{FlushSet, FrameSink};
use crate::backend::Busiest;
use crate::chat::{Chat, rejected_name};
use crate::model::names::to_nfc;
use crate::model::{ConnectionId, NameError, RoomName};
use crate::protocol::server::{RoomSize, RoomsFrame, encode};
use crate::protocol::{ErrorCode, Rejection, SessionKind};
use crate::websocket::Frame;

/// Rooms in the list, the largest.
const LISTED: usize = 200;

/// Least time between two reads, and so between two words about changes.
const EVERY: Duration = Duration::from_secs(2);

/// Time to the next read where the last showed nothing new.
const QUIET: Duration = Duration::from_secs(4);

/// The list as the watchers of this node know it.
#[derive(Default)]
pub(in crate::chat) struct RoomList {
    state: Mutex<State>,
    watched: Notify,
}

#[derive(Default)]
struct State {
    watchers: HashMap<ConnectionId, Watcher>,
    /// The listing that was read last, not longer ago than [`QUIET`]; nothing while nobody watches.
    listing: Option<Told>,
}

struct Watcher {
    outbox: Arc<dyn FrameSink>,
    knows: Knows,
}

/// A session watches the list until this is dropped.
#[derive(Debug)]
pub struct RoomsWatch {
    chat: Chat,
    id: ConnectionId,
}

impl Drop for RoomsWatch {
    fn drop(&mut self) {
        self.chat.inner.room_list.remove(self.id);
    }
}

/// The rooms that a watcher was told.
#[derive(PartialEq, Eq)]
enum Knows {
    Nothing,
    /// The listing, and each change since.
    Listing,
}

/// A listing, and its frame, which is encoded once however many ask for it.
struct Told {
    listing: Listing,
    frame: Frame,
}

#[derive(Default, PartialEq, Eq)]
struct Listing {
    rooms: BTreeMap<RoomName, u64>,
    total: u64,
}

impl std::fmt::Debug for RoomList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RoomList").field("watchers", &self.lock().watchers.len()).finish_non_exhaustive()
    }
}

impl RoomList {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds this lock")
    }

    /// Returns the bytes that the session was given at once.
    fn add(&self, id: ConnectionId, outbox: Arc<dyn FrameSink>) -> usize {
        let mut flushes = FlushSet::default();
        let mut state = self.lock();
        let mut watcher = Watcher { outbox, knows: Knows::Nothing };
        // Where nothing is at hand, the next read tells it.
        let mut given = 0;
        if let Some(told) = &state.listing {
            watcher.tell(&told.frame, &mut flushes);
            given = told.frame.len();
        }
        state.watchers.insert(id, watcher);
        drop(state);
        self.watched.notify_one();
        flushes.run_now();
        given
    }

    fn remove(&self, id: ConnectionId) {
        self.lock().watchers.remove(&id);
    }

    /// Whether anybody watches; if nobody does, what was read is too old for the next.
    fn is_watched(&self) -> bool {
        let mut state = self.lock();
        if state.watchers.is_empty() {
            state.listing = None;
        }
        !state.watchers.is_empty()
    }

    /// Tells what was read: all of it to those who know nothing, what has changed to the others. Returns when to
    /// read next.
    fn tell(&self, listing: Listing) -> Duration {
        let mut flushes = FlushSet::default();
        let mut state = self.lock();
        let before = state.listing.take().map(|told| told.listing).unwrap_or_default();
        let all = listing.frame();
        let changed = (before != listing).then(|| listing.changes_since(&before));
        for watcher in state.watchers.values_mut() {
            match (&watcher.knows, &changed) {
                (Knows::Nothing, _) => watcher.tell(&all, &mut flushes),
                (Knows::Listing, Some(frame)) => flushes.push(&watcher.outbox, frame),
                (Knows::Listing, None) => {}
            }
        }
        state.listing = Some(Told { listing, frame: all });
        drop(state);
        flushes.run_now();
        if changed.is_some() { EVERY } else { QUIET }
    }
}

impl Watcher {
    fn tell(&mut self, frame: &Frame, flushes: &mut FlushSet) {
        flushes.push(&self.outbox, frame);
        self.knows = Knows::Listing;
    }
}

impl Listing {
    fn new(busiest: Busiest) -> Self {
        let rooms = busiest.rooms.into_iter().map(|room| (room.room, room.client_count));
        Self { rooms: rooms.collect(), total: busiest.total }
    }

    fn frame(&self) -> Frame {
        let rooms: Vec<_> =
            self.rooms.iter().map(|(id, count)| RoomSize { id, client_count: *count }).collect();
        frame(RoomsFrame::Rooms { prefix: None, rooms: &rooms, total: Some(self.total) })
    }

    fn changes_since(&self, before: &Self) -> Frame {
        let is_other = |(id, count): &(&RoomName, &u64)| before.rooms.get(*id) != Some(*count);
        let changed =
            self.rooms.iter().filter(is_other).map(|(id, count)| RoomSize { id, client_count: *count });
        let gone = before.rooms.keys().filter(|id| !self.rooms.contains_key(*id));
        let gone = gone.map(|id| RoomSize { id, client_count: 0 });
        let rooms: Vec<_> = changed.chain(gone).collect();
        frame(RoomsFrame::RoomsChanged { rooms: &rooms, total: self.total })
    }
}

fn frame(frame: RoomsFrame<'_>) -> Frame {
    encode(&frame.into(), SessionKind::Full).expect("full sessions get it")
}

impl Chat {
    /// A session is told which rooms are occupied: first all that are listed, then changes. While the backend does not
    /// answer, it is told nothing. Also returns the bytes that it was given at once.
    #[must_use = "it watches no longer than this lives"]
    pub fn watch_rooms(&self, id: ConnectionId, outbox: Arc<dyn FrameSink>) -> (RoomsWatch, usize) {
        let given = self.inner.room_list.add(id, outbox);
        (RoomsWatch { chat: self.clone(), id }, given)
    }

    /// The beginning of a room's name, in the form that names have.
    pub fn room_prefix(&self, raw: &str) -> Result<String, Rejection> {
        let limit = self.inner.config.limits.room_name_chars;
        // In bytes before it is composed: a character takes at most a few.
        if raw.len() > limit.saturating_mul(16) {
            let error = NameError::TooLong { limit };
            return Err(rejected_name(ErrorCode::BadRoomName, "The beginning of a room's name", error));
        }
        Ok(to_nfc(raw))
    }

    /// Reads the list for those who watch it, for as long as there are any.
    pub(in crate::chat) async fn tell_rooms(self) {
        tokio::select! {
            () = self.inner.supervisor.stopping() => {}
            () = self.tell_watchers() => {}
        }
    }

    async fn tell_watchers(&self) {
        let list = &self.inner.room_list;
        loop {
            while !list.is_watched() {
                list.watched.notified().await;
            }
            let pause = match self.busiest().await {
                Ok(busiest) => list.tell(Listing::new(busiest)),
                Err(refused) => {
                    // The outage itself is logged once, by the renewal of the lease.
                    debug!(error = %refused, "could not read the list of rooms");
                    EVERY
                }
            };
            sleep(pause).await;
        }
    }

    async fn busiest(&self) -> Result<Busiest, Rejection> {
        self.ensure_backend()?;
        Ok(self.inner.backend.presence.busiest(LISTED).await?)
    }
}
