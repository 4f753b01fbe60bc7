//! Reads for any caller, in a room or not. They cost the backend more than it costs to ask, so equal ones share
//! an answer, and a node has `limits.reads_in_flight` of them under way at most.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::limits::Shares;
use super::{Chat, RoomAccess};
use crate::backend::{
    Backend, BackendError, Broadcast, Excerpt, FiguresSpan, MemberPage, MemberPosition, NodeFigures,
    NodeInfo, RoomCount, Span,
};
use crate::model::{RoomName, UserId};
use crate::protocol::{ErrorCode, Rejection};
use crate::supervisor::Supervisor;

/// When to ask again that was refused because of all the others who ask.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The reads of the node.
#[derive(Debug)]
pub(super) struct Reads {
    rooms: Flights<RoomsQuery, Vec<RoomCount>>,
    members: Flights<MembersQuery, MemberPage>,
    pages: Flights<PageQuery, Excerpt>,
    nodes: Flights<NodesQuery, Vec<NodeInfo>>,
    figures: Flights<FiguresQuery, NewestFigures>,
    broadcasts: Flights<BroadcastsQuery, Vec<Broadcast>>,
    /// Readings of the list of a user's rooms.
    own: Shares<UserId>,
    slots: Arc<Semaphore>,
    supervisor: Supervisor,
}

/// A read of what is a user's own that is under way.
#[derive(Debug)]
pub(super) struct OwnSlot {
    _turn: OwnedSemaphorePermit,
    _slot: OwnedSemaphorePermit,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct RoomsQuery {
    prefix: String,
    after: Option<String>,
    limit: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct MembersQuery {
    room: RoomName,
    after: Option<MemberPosition>,
    limit: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct PageQuery {
    room: RoomName,
    span: Span,
    limit: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct NodesQuery;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct FiguresQuery;

/// The newest figures of the nodes, in the order of storage, and the number of occupied rooms, if it could be read.
#[derive(Debug)]
pub(super) struct NewestFigures {
    pub(super) nodes: Vec<NodeFigures>,
    pub(super) rooms: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct BroadcastsQuery;

/// Figures that contain the newest of each node, in a cluster of a hundred.
const NEWEST_FIGURES: usize = 512;

impl Reads {
    pub(super) fn new(most: usize, supervisor: Supervisor) -> Self {
        let slots = Arc::new(Semaphore::new(most));
        let (rooms, members, pages, nodes, figures, broadcasts) = Default::default();
        Self { rooms, members, pages, nodes, figures, broadcasts, own: Shares::default(), slots, supervisor }
    }

    /// The right to read what is a user's own. A user has one such read under way, and its others wait.
    pub(super) async fn own_slot(&self, user: &UserId) -> Result<OwnSlot, Rejection> {
        let turn = self.own.of(user.clone(), 1).acquire_owned().await;
        let turn = turn.expect("the semaphore is never closed");
        Ok(OwnSlot { _turn: turn, _slot: self.slot()? })
    }

    /// The right to read one thing after another, if one is free.
    pub(super) fn slot(&self) -> Result<OwnedSemaphorePermit, Rejection> {
        self.slots.clone().try_acquire_owned().map_err(|_| {
            let sentence = "The server answers as many questions as it can; ask again in a moment";
            Rejection { retry_after: Some(RETRY_AFTER), ..Rejection::new(ErrorCode::Unavailable, sentence) }
        })
    }
}

/// A question to the backend, and the key under which it is asked once.
trait Query: Clone + Eq + Hash + Send + Sync + 'static {
    type Value: Send + Sync + 'static;

    fn read(&self, backend: &Backend) -> impl Future<Output = Result<Self::Value, BackendError>> + Send;
}

impl Query for PageQuery {
    type Value = Excerpt;

    async fn read(&self, backend: &Backend) -> Result<Excerpt, BackendError> {
        backend.log.peek(&self.room, self.span.clone(), self.limit).await
    }
}

impl Query for RoomsQuery {
    type Value = Vec<RoomCount>;

    async fn read(&self, backend: &Backend) -> Result<Vec<RoomCount>, BackendError> {
        backend.presence.list_rooms(&self.prefix, self.after.as_deref(), self.limit).await
    }
}

impl Query for MembersQuery {
    type Value = MemberPage;

    async fn read(&self, backend: &Backend) -> Result<MemberPage, BackendError> {
        backend.presence.members(&self.room, self.after, self.limit).await
    }
}

impl Query for NodesQuery {
    type Value = Vec<NodeInfo>;

    async fn read(&self, backend: &Backend) -> Result<Vec<NodeInfo>, BackendError> {
        backend.cluster.nodes().await
    }
}

impl Query for FiguresQuery {
    type Value = NewestFigures;

    async fn read(&self, backend: &Backend) -> Result<NewestFigures, BackendError> {
        let nodes = backend.cluster.figures(FiguresSpan::Newest(NEWEST_FIGURES));
        let (nodes, rooms) = tokio::join!(nodes, backend.presence.room_count());
        Ok(NewestFigures { nodes: nodes?.figures, rooms: rooms.ok() })
    }
}

impl Query for BroadcastsQuery {
    type Value = Vec<Broadcast>;

    async fn read(&self, backend: &Backend) -> Result<Vec<Broadcast>, BackendError> {
        backend.notifications.to_all().await
    }
}

impl Chat {
    /// A page of a room's log, whether the room is occupied or not. A backend that the node has lost
    /// contact with may be one that lags behind.
    pub async fn page(
        &self,
        access: RoomAccess,
        span: Span,
        limit: usize,
    ) -> Result<Arc<Excerpt>, Rejection> {
        let limit = limit.clamp(1, self.inner.config.history.max_page);
        let query = PageQuery { room: access.room().clone(), span, limit };
        let page = self.share(&self.inner.reads.pages, query).await?;
        self.recheck_access(&access).await?;
        Ok(page)
    }

    /// Occupied rooms of the cluster by name; at most `limit`.
    pub async fn rooms(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Arc<Vec<RoomCount>>, Rejection> {
        let query = RoomsQuery { prefix: prefix.to_owned(), after: after.map(str::to_owned), limit };
        self.share(&self.inner.reads.rooms, query).await
    }

    /// How many sessions are in a room on all nodes, and a page of them.
    pub async fn members(
        &self,
        access: RoomAccess,
        after: Option<MemberPosition>,
        limit: usize,
    ) -> Result<Arc<MemberPage>, Rejection> {
        let query = MembersQuery { room: access.room().clone(), after, limit };
        let page = self.share(&self.inner.reads.members, query).await?;
        self.recheck_access(&access).await?;
        Ok(page)
    }

    /// The living nodes.
    pub async fn nodes(&self) -> Result<Arc<Vec<NodeInfo>>, Rejection> {
        self.share(&self.inner.reads.nodes, NodesQuery).await
    }

    pub(super) async fn newest_figures(&self) -> Result<Arc<NewestFigures>, Rejection> {
        self.share(&self.inner.reads.figures, FiguresQuery).await
    }

    /// The notifications to all users, as this node may not know them yet.
    pub(super) async fn broadcasts(&self) -> Result<Arc<Vec<Broadcast>>, Rejection> {
        self.share(&self.inner.reads.broadcasts, BroadcastsQuery).await
    }

    async fn share<Q: Query>(
        &self,
        flights: &Flights<Q, Q::Value>,
        query: Q,
    ) -> Result<Arc<Q::Value>, Rejection> {
        self.ensure_backend()?;
        let reads = &self.inner.reads;
        let answer = match flights.board(&query, || reads.slot())? {
            Boarding::Waits(answer) => answer,
            Boarding::Leads(first, slot, answer) => {
                let backend = self.inner.backend.clone();
                let read = move |query: Q| {
                    let backend = backend.clone();
                    async move { query.read(&backend).await }
                };
                drop(reads.supervisor.run_once("read", flights.clone().fly(query, first, read, slot)));
                answer
            }
        };
        match answer.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(Rejection::from(&*error)),
            Err(_) => Err(Rejection::new(ErrorCode::Unavailable, "The server is stopping; try again")),
        }
    }
}

type Answer<V> = Result<Arc<V>, Arc<BackendError>>;
type Waiting<V> = Vec<oneshot::Sender<Answer<V>>>;

/// The reads of one kind that are in flight, at most one of a key, each with the callers who wait for the next; a
/// cheap handle.
///
/// A read that has begun may have been answered before something that a later caller knows of: a session that has
/// joined meanwhile. So callers never share a read that is in flight already; all who come during one share the next.
#[derive(Debug)]
struct Flights<K, V>(Arc<Mutex<HashMap<K, Waiting<V>>>>);

impl<K, V> Clone for Flights<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// A caller's task for its answer.
enum Boarding<V> {
    /// Nothing: a read is in flight, and the next answers.
    Waits(oneshot::Receiver<Answer<V>>),
    /// To start the read.
    Leads(oneshot::Sender<Answer<V>>, OwnedSemaphorePermit, oneshot::Receiver<Answer<V>>),
}

impl<K: Clone + Eq + Hash, V> Flights<K, V> {
    /// `slot` is asked for if a read has to be started.
    fn board(
        &self,
        key: &K,
        slot: impl FnOnce() -> Result<OwnedSemaphorePermit, Rejection>,
    ) -> Result<Boarding<V>, Rejection> {
        let (sender, receiver) = oneshot::channel();
        let mut flights = self.lock();
        if let Some(next) = flights.get_mut(key) {
            next.push(sender);
            return Ok(Boarding::Waits(receiver));
        }
        let slot = slot()?;
        flights.insert(key.clone(), Vec::new());
        Ok(Boarding::Leads(sender, slot, receiver))
    }

    /// Reads until nobody waits. Callers who have given up start nothing.
    async fn fly<Reading: Future<Output = Result<V, BackendError>>>(
        self,
        key: K,
        first: oneshot::Sender<Answer<V>>,
        read: impl Fn(K) -> Reading,
        _slot: OwnedSemaphorePermit,
    ) {
        let mut waiting = vec![first];
        loop {
            waiting.retain(|caller| !caller.is_closed());
            if !waiting.is_empty() {
                let answer = read(key.clone()).await.map(Arc::new).map_err(Arc::new);
                for caller in waiting.drain(..) {
                    // It may have given up meanwhile.
                    let _ = caller.send(answer.clone());
                }
            }
            let mut flights = self.lock();
            waiting = flights.get_mut(&key).map(std::mem::take).unwrap_or_default();
            if waiting.is_empty() {
                flights.remove(&key);
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Waiting<V>>> {
        self.0.lock().expect("no code panics while it holds this lock")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Counts reads, each of which takes a turn of the test's task.
    #[derive(Clone, Default)]
    struct Counter(Arc<AtomicUsize>);

    impl Counter {
        async fn read(self) -> Result<usize, BackendError> {
            let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
            tokio::task::yield_now().await;
            Ok(number)
        }
    }

    fn slot() -> Result<OwnedSemaphorePermit, Rejection> {
        Ok(Arc::new(Semaphore::new(1)).try_acquire_owned().expect("one is free"))
    }

    #[tokio::test]
    async fn those_who_ask_during_a_read_share_the_next() {
        let (flights, counter) = (Flights::<u8, usize>::default(), Counter::default());
        let Ok(Boarding::Leads(first, slot, answer)) = flights.board(&1, slot) else { panic!("it leads") };
        let flight = tokio::spawn(flights.clone().fly(1, first, move |_| counter.clone().read(), slot));
        tokio::task::yield_now().await;
        let mut later = Vec::new();
        for _ in 0..400 {
            let boarding = flights.board(&1, || panic!("one is in flight"));
            let Ok(Boarding::Waits(answer)) = boarding else { panic!("it waits") };
            later.push(answer);
        }
        assert_eq!(*answer.await.expect("an answer").expect("a value"), 1);
        for answer in later {
            assert_eq!(*answer.await.expect("an answer").expect("a value"), 2);
        }
        flight.await.expect("it ends");
        assert!(flights.lock().is_empty());
    }

    #[tokio::test]
    async fn a_user_reads_its_own_once_at_a_time() {
        let reads = Reads::new(2, Supervisor::default());
        let (rahim, mita) = (UserId::guest(), UserId::guest());
        let first = reads.own_slot(&rahim).await.expect("a slot is free");
        let mut second = Box::pin(reads.own_slot(&rahim));
        assert!(futures_util::poll!(&mut second).is_pending());
        let other = reads.own_slot(&mita).await.expect("the one that waits holds no slot");
        assert!(reads.own_slot(&UserId::guest()).await.is_err(), "no slot is free");
        drop((first, other));
        assert!(second.await.is_ok());
    }

    #[tokio::test]
    async fn callers_who_have_given_up_start_nothing() {
        let (flights, counter) = (Flights::<u8, usize>::default(), Counter::default());
        let Ok(Boarding::Leads(first, slot, answer)) = flights.board(&1, slot) else { panic!("it leads") };
        for _ in 0..400 {
            assert!(flights.board(&1, || panic!("one is in flight")).is_ok());
        }
        drop(answer);
        flights.clone().fly(1, first, |_| counter.clone().read(), slot).await;
        assert_eq!(counter.0.load(Ordering::Relaxed), 0);
        assert!(flights.lock().is_empty());
    }
}
