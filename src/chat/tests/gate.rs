//! Parts of a backend that do what they are asked to and hold the answer back.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio::sync::{Notify, mpsc, watch};

use crate::backend::{
    Account, Accounts, BackendError, BanPage, Broadcast, Channel, Condition, Creation, FeedHealth, Listing,
    Notifications, PasswordHash, PubSub, Publication, Relation, Result, RoomChange, RoomChanged, RoomRecord,
    Rooms, Seen, SeenBroadcast, Sent, Standing, StandingChange, Standings, Unlisting, UserNotifications,
};
use crate::model::{Audience, Author, NewNotification, NotificationId, RoomName, Skeleton, UserId, Username};

/// Holds back the answer to each call until it is opened for it.
#[derive(Debug, Default)]
pub struct Gate {
    reached: Notify,
    open: Notify,
}

impl Gate {
    /// Waits until a call has done what it was asked to.
    pub async fn reached(&self) {
        self.reached.notified().await;
    }

    /// Lets one answer through.
    pub fn open(&self) {
        self.open.notify_one();
    }

    pub async fn pass(&self) {
        self.reached.notify_one();
        self.open.notified().await;
    }
}

/// Standings of which changes are answered late, or never in time.
#[derive(Debug)]
pub struct GatedStandings {
    pub inner: Arc<dyn Standings>,
    pub gate: Arc<Gate>,
    /// Whether the answer to a change is lost.
    pub is_lossy: bool,
    /// A user whose standing is never read.
    pub frozen: Option<UserId>,
}

#[async_trait]
impl Standings for GatedStandings {
    async fn standings(&self, users: &[UserId]) -> Result<Vec<Standing>> {
        self.inner.standings(users).await
    }

    fn each_standing(&self, users: Vec<UserId>) -> BoxStream<'_, (UserId, Result<Standing>)> {
        let (frozen, others): (Vec<UserId>, Vec<UserId>) =
            users.into_iter().partition(|user| Some(user) == self.frozen.as_ref());
        let rest = if frozen.is_empty() {
            futures_util::stream::empty().boxed()
        } else {
            futures_util::stream::pending().boxed()
        };
        self.inner.each_standing(others).chain(rest).boxed()
    }

    async fn change(&self, user: &UserId, change: StandingChange) -> Result<Standing> {
        let changed = self.inner.change(user, change).await;
        if self.is_lossy {
            return Err(BackendError::Unavailable("lost".into()));
        }
        self.gate.pass().await;
        changed
    }

    async fn bans(&self, before: Option<u64>, limit: usize) -> Result<BanPage> {
        self.inner.bans(before, limit).await
    }
}

/// Accounts of which changes are answered late.
#[derive(Debug)]
pub struct GatedAccounts {
    pub inner: Arc<dyn Accounts>,
    pub gate: Arc<Gate>,
}

#[async_trait]
impl Accounts for GatedAccounts {
    async fn create(&self, account: &Account, condition: Condition) -> Result<Creation> {
        let created = self.inner.create(account, condition).await;
        self.gate.pass().await;
        created
    }

    async fn by_name(&self, skeleton: &Skeleton) -> Result<Option<Account>> {
        self.inner.by_name(skeleton).await
    }

    async fn by_id(&self, user: &UserId) -> Result<Option<Account>> {
        self.inner.by_id(user).await
    }

    async fn replace_password(&self, user: &UserId, from: &PasswordHash, to: &PasswordHash) -> Result<bool> {
        let replaced = self.inner.replace_password(user, from, to).await;
        self.gate.pass().await;
        replaced
    }

    async fn owners(&self, skeletons: &[Skeleton]) -> Result<Vec<Option<UserId>>> {
        self.inner.owners(skeletons).await
    }

    async fn are_any(&self) -> Result<bool> {
        self.inner.are_any().await
    }

    async fn record_admin(&self, user: &UserId) -> Result<()> {
        self.inner.record_admin(user).await
    }

    async fn setup_code(&self, own: &str) -> Result<Option<String>> {
        self.inner.setup_code(own).await
    }
}

/// Rooms that users put on their own lists, which is answered late.
#[derive(Debug)]
pub struct GatedRooms {
    pub inner: Arc<dyn Rooms>,
    pub gate: Arc<Gate>,
}

#[async_trait]
impl Rooms for GatedRooms {
    async fn relation(&self, room: &RoomName, user: &UserId) -> Result<Relation> {
        self.inner.relation(room, user).await
    }

    async fn records(&self, rooms: &[RoomName]) -> Vec<Result<Option<RoomRecord>>> {
        self.inner.records(rooms).await
    }

    async fn create(&self, room: &RoomName, record: &RoomRecord) -> Result<RoomRecord> {
        self.inner.create(room, record).await
    }

    async fn change(&self, room: &RoomName, change: &RoomChange) -> Result<RoomChanged> {
        self.inner.change(room, change).await
    }

    async fn list(&self, user: &UserId, room: &RoomName, listing: Listing) -> Result<bool> {
        let listed = self.inner.list(user, room, listing).await;
        if listing == Listing::Own {
            self.gate.pass().await;
        }
        listed
    }

    async fn unlist(&self, user: &UserId, rooms: &[RoomName], unlisting: Unlisting) -> Result<()> {
        self.inner.unlist(user, rooms, unlisting).await
    }

    async fn listed(&self, user: &UserId) -> Result<Vec<RoomName>> {
        self.inner.listed(user).await
    }

    async fn introduce(&self, user: &Author) -> Result<()> {
        self.inner.introduce(user).await
    }

    async fn introduced(&self, user: &UserId) -> Result<Option<Username>> {
        self.inner.introduced(user).await
    }
}

/// Notifications of which those of one user are never read.
#[derive(Debug)]
pub struct GatedNotifications {
    pub inner: Arc<dyn Notifications>,
    pub frozen: UserId,
}

#[async_trait]
impl Notifications for GatedNotifications {
    async fn send(&self, notification: &NewNotification) -> Result<Sent> {
        self.inner.send(notification).await
    }

    async fn to_all(&self) -> Result<Vec<Broadcast>> {
        self.inner.to_all().await
    }

    async fn of_users(&self, users: &[UserId]) -> Vec<Result<UserNotifications>> {
        if users.contains(&self.frozen) {
            std::future::pending::<()>().await;
        }
        self.inner.of_users(users).await
    }

    fn of_users_by_part(
        &self,
        users: Vec<UserId>,
    ) -> BoxStream<'_, Vec<(UserId, Result<UserNotifications>)>> {
        let is_frozen = users.contains(&self.frozen);
        let others = users.into_iter().filter(|user| *user != self.frozen).collect();
        let read = self.inner.of_users_by_part(others);
        if is_frozen { read.chain(futures_util::stream::pending()).boxed() } else { read }
    }

    async fn see(
        &self,
        user: &UserId,
        id: &NotificationId,
        broadcast: Option<&SeenBroadcast>,
    ) -> Result<Seen> {
        self.inner.see(user, id, broadcast).await
    }

    async fn take_back(&self, id: &NotificationId) -> Result<Option<Audience>> {
        self.inner.take_back(id).await
    }
}

/// A change of what a node subscribes to.
#[derive(Debug, PartialEq, Eq)]
pub enum Subscribing {
    Begins(Channel),
    Ends(Channel),
}

/// Subscriptions, all told of, of which those of one user never stand.
#[derive(Debug)]
pub struct GatedPubSub {
    pub inner: Arc<dyn PubSub>,
    pub frozen: Option<UserId>,
    pub told: mpsc::UnboundedSender<Subscribing>,
}

#[async_trait]
impl PubSub for GatedPubSub {
    async fn subscribe(&self, channel: &Channel) -> Result<()> {
        let _ = self.told.send(Subscribing::Begins(channel.clone()));
        if matches!(channel, Channel::User(user) if self.frozen.as_ref() == Some(user)) {
            std::future::pending::<()>().await;
        }
        self.inner.subscribe(channel).await
    }

    fn unsubscribe(&self, channel: &Channel) {
        let _ = self.told.send(Subscribing::Ends(channel.clone()));
        self.inner.unsubscribe(channel);
    }

    async fn publish(&self, channel: &Channel, publication: Publication) -> Result<()> {
        self.inner.publish(channel, publication).await
    }

    fn resumed(&self) -> watch::Receiver<u64> {
        self.inner.resumed()
    }

    fn health(&self) -> FeedHealth {
        self.inner.health()
    }
}
