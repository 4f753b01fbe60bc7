//! Reads for any caller, in a room or not, and those of sessions that join a room. They cost the backend more than it costs
//! to ask, so equal ones share an answer, and a node has `limits.reads_in_flight` of each of the two under way at most: past
//! that callers are refused, and sessions wait.

mod shared;

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::shared::{Claim, SharedReads};
use super::limits::Shares;
use super::{Chat, RoomAccess};
use crate::backend::{
    Backend, BackendError, Broadcast, Excerpt, FiguresSpan, MemberPage, MemberPosition, NodeFigures,
    NodeInfo, Page, RoomCount, Span, within,
};
use crate::model::{RoomName, UserId};
use crate::protocol::{ErrorCode, Rejection};
use crate::supervisor::Supervisor;

/// When to ask again that was refused because of all the others who ask.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The reads of the node.
#[derive(Debug)]
pub(super) struct Reads {
    rooms: SharedReads<RoomsQuery, Vec<RoomCount>>,
    members: SharedReads<MembersQuery, MemberPage>,
    pages: SharedReads<PageQuery, Excerpt>,
    histories: SharedReads<HistoryQuery, Page>,
    nodes: SharedReads<NodesQuery, Vec<NodeInfo>>,
    figures: SharedReads<FiguresQuery, NewestFigures>,
    broadcasts: SharedReads<BroadcastsQuery, Vec<Broadcast>>,
    /// Readings of the list of a user's rooms.
    own: Shares<UserId>,
    slots: Arc<Semaphore>,
    /// Turns of sessions that join.
    turns: Arc<Semaphore>,
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

/// As [`PageQuery`], for a session of the room.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct HistoryQuery {
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
        let [slots, turns] = [(); 2].map(|()| Arc::new(Semaphore::new(most)));
        let (rooms, members, pages, histories, nodes, figures, broadcasts) = Default::default();
        let own = Shares::default();
        Self { rooms, members, pages, histories, nodes, figures, broadcasts, own, slots, turns, supervisor }
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

impl Query for HistoryQuery {
    type Value = Page;

    async fn read(&self, backend: &Backend) -> Result<Page, BackendError> {
        backend.log.read(&self.room, self.span.clone(), self.limit).await
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

    /// A page for a session of the room, of at most `history.max_page` messages. Its reading begins after the call.
    pub(super) async fn history(
        &self,
        room: &RoomName,
        span: Span,
        limit: usize,
    ) -> Result<Arc<Page>, Rejection> {
        let limit = limit.clamp(1, self.inner.config.history.max_page);
        let query = HistoryQuery { room: room.clone(), span, limit };
        self.share_in_turn(&self.inner.reads.histories, query).await
    }

    /// The members for a session that has entered a room. Its reading begins after the call.
    pub(super) async fn members_for_joined(
        &self,
        room: &RoomName,
        limit: usize,
    ) -> Result<Arc<MemberPage>, Rejection> {
        let query = MembersQuery { room: room.clone(), after: None, limit };
        self.share_in_turn(&self.inner.reads.members, query).await
    }

    /// Refuses to start a read if as many as may be are under way.
    async fn share<Q: Query>(
        &self,
        reads: &SharedReads<Q, Q::Value>,
        query: Q,
    ) -> Result<Arc<Q::Value>, Rejection> {
        self.ensure_backend()?;
        let claim = reads.claim(&query, || self.inner.reads.slot())?;
        self.answer(reads, query, claim, None).await
    }

    /// Waits for its turn instead, but not longer than for an answer.
    async fn share_in_turn<Q: Query>(
        &self,
        reads: &SharedReads<Q, Q::Value>,
        query: Q,
    ) -> Result<Arc<Q::Value>, Rejection> {
        self.ensure_backend()?;
        let claim = reads.claim(&query, || Ok(()))?;
        self.answer(reads, query, claim, Some(self.inner.reads.turns.clone())).await
    }

    /// Runs the read that a caller has to start, and waits for the answer.
    async fn answer<Q: Query, S: Send + 'static>(
        &self,
        reads: &SharedReads<Q, Q::Value>,
        query: Q,
        claim: Claim<Q::Value, S>,
        turns: Option<Arc<Semaphore>>,
    ) -> Result<Arc<Q::Value>, Rejection> {
        let answer = match claim {
            Claim::Waits(answer) => answer,
            Claim::Starts(first, slot, answer) => {
                let backend = self.inner.backend.clone();
                let deadline = self.inner.config.redis.command_timeout;
                let read = move |query: Q| {
                    let (backend, turns) = (backend.clone(), turns.clone());
                    async move {
                        let _turn = match turns {
                            Some(turns) => Some(within(deadline, turn(turns)).await?),
                            None => None,
                        };
                        query.read(&backend).await
                    }
                };
                let running = reads.clone().run(query, first, read, slot);
                drop(self.inner.reads.supervisor.run_once("read", running));
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

async fn turn(turns: Arc<Semaphore>) -> Result<OwnedSemaphorePermit, BackendError> {
    Ok(turns.acquire_owned().await.expect("the semaphore is never closed"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
