//! Private rooms, and the lists of users' rooms.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::MemoryNode;
use crate::backend::{
    BackendError, Listing, MAX_MEMBERS, Relation, Result, RoomChange, RoomChanged, RoomRecord, Rooms,
    Unlisting,
};
use crate::model::{Author, ControlEvent, Event, RoomName, UserId, Username};

/// `RECORDED_WITHIN_MS`
const RECORDED_WITHIN: Duration = Duration::from_secs(60);

#[async_trait]
impl Rooms for MemoryNode {
    async fn relation(&self, room: &RoomName, user: &UserId) -> Result<Relation> {
        Ok(self.cluster.lock().records.relation(room, user))
    }

    async fn records(&self, rooms: &[RoomName]) -> Vec<Result<Option<RoomRecord>>> {
        let shared = self.cluster.lock();
        rooms.iter().map(|room| Ok(shared.records.rooms.get(room).cloned())).collect()
    }

    async fn create(&self, room: &RoomName, record: &RoomRecord) -> Result<RoomRecord> {
        let mut shared = self.cluster.lock();
        let stored = shared.records.rooms.entry(room.clone()).or_insert_with(|| {
            let mut record = record.clone();
            record.members.sort_unstable_by(|one, other| one.user_id.cmp(&other.user_id));
            record
        });
        Ok(stored.clone())
    }

    async fn change(&self, room: &RoomName, change: &RoomChange) -> Result<RoomChanged> {
        let mut shared = self.cluster.lock();
        let (changed, event) = shared.records.change(room, change);
        match change {
            _ if changed != RoomChanged::Changed => {}
            RoomChange::Add(member) => shared.logs.begin_cursor(room, &member.user_id),
            RoomChange::Remove(user) => shared.logs.forget_cursor(room, user),
            RoomChange::Describe { .. } => {}
            RoomChange::Delete => {
                shared.logs.remove(room);
                shared.moderation.forget(room);
            }
        }
        shared.publish(event.map(|event| (room.clone(), Event::Control(event))));
        Ok(changed)
    }

    async fn list(&self, user: &UserId, room: &RoomName, listing: Listing) -> Result<bool> {
        Ok(self.cluster.lock().records.list(user, room, listing, Instant::now()))
    }

    async fn unlist(&self, user: &UserId, rooms: &[RoomName], unlisting: Unlisting) -> Result<()> {
        self.cluster.lock().records.unlist(user, rooms, unlisting, Instant::now());
        Ok(())
    }

    async fn listed(&self, user: &UserId) -> Result<Vec<RoomName>> {
        let shared = self.cluster.lock();
        let listed = shared.records.listed.get(user).into_iter().flat_map(BTreeMap::keys);
        Ok(listed.cloned().collect())
    }

    async fn introduce(&self, user: &Author) -> Result<()> {
        let records = &mut self.cluster.lock().records;
        let until = Instant::now() + records.token_ttl;
        records.introduced.insert(user.user_id.clone(), (user.username.clone(), until));
        Ok(())
    }

    async fn introduced(&self, user: &UserId) -> Result<Option<Username>> {
        let shared = self.cluster.lock();
        let found = shared.records.introduced.get(user).filter(|(_, until)| *until > Instant::now());
        Ok(found.map(|(username, _)| username.clone()))
    }
}

/// The records of all private rooms, the lists of all users, and the names of those without an account.
pub(super) struct Records {
    rooms: HashMap<RoomName, RoomRecord>,
    listed: HashMap<UserId, BTreeMap<RoomName, Instant>>,
    introduced: HashMap<UserId, (Username, Instant)>,
    token_ttl: Duration,
}

impl Records {
    pub(super) fn new(token_ttl: Duration) -> Self {
        let (rooms, listed, introduced) = Default::default();
        Self { rooms, listed, introduced, token_ttl }
    }

    /// `once.lua`: only members and the system post to a private room.
    pub(super) fn check_post(&self, room: &RoomName, user: &UserId) -> Result<()> {
        let is_allowed = |record: &RoomRecord| user.is_system() || record.has(user);
        let may_post = !room.is_private() || self.rooms.get(room).is_some_and(is_allowed);
        if may_post { Ok(()) } else { Err(BackendError::NoMember) }
    }

    fn relation(&self, room: &RoomName, user: &UserId) -> Relation {
        match self.rooms.get(room) {
            None => Relation::NoRoom,
            Some(record) if !record.has(user) => Relation::Stranger,
            Some(record) if record.owner.as_ref() == Some(user) => Relation::Owner,
            Some(_) => Relation::Member,
        }
    }

    /// `add.lua`, `remove.lua`, `change.lua` and `delete.lua`: the outcome, and the event to publish.
    fn change(&mut self, room: &RoomName, change: &RoomChange) -> (RoomChanged, Option<ControlEvent>) {
        let Some(record) = self.rooms.get_mut(room) else { return (RoomChanged::NoRoom, None) };
        match change {
            RoomChange::Add(member) => {
                let place = record.members.binary_search_by(|other| other.user_id.cmp(&member.user_id));
                let Err(place) = place else { return (RoomChanged::Unchanged, None) };
                if record.members.len() >= MAX_MEMBERS {
                    return (RoomChanged::Full, None);
                }
                record.members.insert(place, member.clone());
                (RoomChanged::Changed, Some(ControlEvent::MemberAdded))
            }
            RoomChange::Remove(user) => {
                if !record.has(user) {
                    return (RoomChanged::Unchanged, None);
                }
                record.members.retain(|member| member.user_id != *user);
                (RoomChanged::Changed, Some(ControlEvent::MemberRemoved(user.clone())))
            }
            RoomChange::Describe { title, topic } => {
                let set = |field: &mut Option<String>, text: &Option<String>| {
                    if let Some(text) = text {
                        *field = Some(text.clone()).filter(|text| !text.is_empty());
                    }
                };
                set(&mut record.title, title);
                set(&mut record.topic, topic);
                (RoomChanged::Changed, None)
            }
            RoomChange::Delete => {
                self.rooms.remove(room);
                (RoomChanged::Changed, Some(ControlEvent::RoomDeleted))
            }
        }
    }

    /// `list.lua`
    fn list(&mut self, user: &UserId, room: &RoomName, listing: Listing, now: Instant) -> bool {
        let listed = self.listed.entry(user.clone()).or_default();
        if !listed.contains_key(room) && listed.len() >= listing.most() {
            return false;
        }
        listed.entry(room.clone()).or_insert(now);
        true
    }

    /// `unlist.lua`
    fn unlist(&mut self, user: &UserId, rooms: &[RoomName], unlisting: Unlisting, now: Instant) {
        let Some(listed) = self.listed.get_mut(user) else { return };
        let age = if unlisting == Unlisting::Left { Duration::ZERO } else { RECORDED_WITHIN };
        listed.retain(|room, since| !rooms.contains(room) || now - *since < age);
        if listed.is_empty() {
            self.listed.remove(user);
        }
    }

    /// Forgets names after `auth.token_ttl`.
    pub(super) fn remove_expired(&mut self, now: Instant) {
        self.introduced.retain(|_, (_, until)| *until > now);
    }
}
