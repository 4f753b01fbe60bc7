//! Private rooms, a hash each in the slot of its room, and the lists of users' rooms, a hash each in the slot of its user.

use std::time::Duration;

use async_trait::async_trait;

use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::script::{Memory, REPLID, Script, TYPES};
use crate::backend::redis::client::server::{parsed, parsed_if_ours};
use crate::backend::redis::cursors::{CURSORS, MOVE, lifetime_ms};
use crate::backend::redis::keys::{Keys, LogKeys};
use crate::backend::redis::log::{ENTRIES, FENCE};
use crate::backend::redis::presence::CLOCK;
use crate::backend::redis::pubsub::codec::PUBLISH;
use crate::backend::redis::topology::pooled::PooledCalls;
use crate::backend::{
    Listing, MAX_MEMBERS, Relation, Result, RoomChange, RoomChanged, RoomRecord, Rooms, Unlisting,
};
use crate::config::Config;
use crate::model::{Author, RoomName, UserId, Username};
use crate::telemetry::{Unreadable, count_unreadable};

static CREATE: Script = Script::new(Memory::Grows, &[TYPES, CLOCK, include_str!("create.lua")]);

static ADD: Script = Script::new(
    Memory::Grows,
    &[TYPES, REPLID, FENCE, ENTRIES, CURSORS, MOVE, PUBLISH, include_str!("add.lua")],
);

static CHANGE: Script = Script::new(Memory::Grows, &[TYPES, include_str!("change.lua")]);

static REMOVE: Script = Script::new(Memory::Spares, &[TYPES, PUBLISH, include_str!("remove.lua")]);

static DELETE: Script = Script::new(Memory::Spares, &[TYPES, PUBLISH, include_str!("delete.lua")]);

static LIST: Script = Script::new(Memory::Grows, &[TYPES, CLOCK, include_str!("list.lua")]);

static UNLIST: Script = Script::new(Memory::Spares, &[TYPES, CLOCK, include_str!("unlist.lua")]);

/// The scripts of this folder.
pub(super) const SCRIPTS: &[&Script] = &[&CREATE, &ADD, &CHANGE, &REMOVE, &DELETE, &LIST, &UNLIST];

/// Age of an entry of a list whose user is no member, after which it is removed. A member is recorded right after its entry.
const RECORDED_WITHIN_MS: u64 = 60_000;

/// Private rooms in Redis.
#[derive(Debug)]
pub struct RedisRooms {
    keys: Keys,
    calls: PooledCalls,
    token_ttl: Duration,
    cursor_ttl_ms: u128,
    cursors_per_room: usize,
}

impl RedisRooms {
    pub fn new(keys: Keys, calls: PooledCalls, config: &Config) -> Self {
        Self {
            keys,
            calls,
            token_ttl: config.auth.token_ttl,
            cursor_ttl_ms: lifetime_ms(config),
            cursors_per_room: config.limits.cursors_per_room,
        }
    }

    fn delete_call(&self, room: &RoomName) -> Call {
        let LogKeys { read, written } = self.keys.log_keys(room);
        let first = [self.keys.record(room), self.keys.rules(room)];
        Call::new(&DELETE, first.into_iter().chain(read).chain(written)).arg(self.keys.channel(room))
    }

    fn add_call(&self, room: &RoomName, member: &Author) -> Call {
        Call::new(&ADD, self.keys.cursor_keys(room).into_iter().chain([self.keys.record(room)]))
            .arg(self.keys.channel(room))
            .arg(&member.user_id)
            .arg(&member.username)
            .arg(MAX_MEMBERS)
            .arg(self.cursor_ttl_ms)
            .arg(self.cursors_per_room)
    }

    fn change_call(&self, room: &RoomName, change: &RoomChange) -> Call {
        match change {
            RoomChange::Add(member) => self.add_call(room, member),
            RoomChange::Remove(user) => {
                Call::new(&REMOVE, [self.keys.record(room)]).arg(self.keys.channel(room)).arg(user)
            }
            RoomChange::Describe { title, topic } => Call::new(&CHANGE, [self.keys.record(room)])
                .arg(u8::from(title.is_some()))
                .arg(u8::from(topic.is_some()))
                .arg(title.as_deref().unwrap_or_default())
                .arg(topic.as_deref().unwrap_or_default()),
            RoomChange::Delete => self.delete_call(room),
        }
    }
}

#[async_trait]
impl Rooms for RedisRooms {
    async fn relation(&self, room: &RoomName, user: &UserId) -> Result<Relation> {
        let call = Call::plain("HMGET", self.keys.record(room));
        let call = call.arg("created").arg("owner").arg(format_args!("m:{user}"));
        let fields: Vec<Option<Vec<u8>>> = parsed_if_ours(self.calls.call(call).await)?;
        let has = |at: usize| fields.get(at).is_some_and(Option::is_some);
        let is_owner = fields.get(1).and_then(Option::as_deref) == Some(user.as_str().as_bytes());
        Ok(match (has(0), has(2)) {
            (false, _) => Relation::NoRoom,
            (true, false) => Relation::Stranger,
            (true, true) if is_owner => Relation::Owner,
            (true, true) => Relation::Member,
        })
    }

    async fn records(&self, rooms: &[RoomName]) -> Vec<Result<Option<RoomRecord>>> {
        let calls: Vec<Call> =
            rooms.iter().map(|room| Call::plain("HGETALL", self.keys.record(room))).collect();
        let values = self.calls.call_all(&calls).await;
        values.into_iter().map(|value| Ok(record(parsed_if_ours(value)?))).collect()
    }

    async fn create(&self, room: &RoomName, new: &RoomRecord) -> Result<RoomRecord> {
        let call = Call::new(&CREATE, [self.keys.record(room)])
            .arg(new.owner.as_ref().map_or("", UserId::as_str))
            .arg(new.title.as_deref().unwrap_or_default());
        let call = new.members.iter().fold(call, |call, one| call.arg(&one.user_id).arg(&one.username));
        let fields: Vec<Vec<u8>> = parsed(self.calls.call(call).await?)?;
        Ok(record(fields).unwrap_or_default())
    }

    async fn change(&self, room: &RoomName, change: &RoomChange) -> Result<RoomChanged> {
        let outcome: String = parsed(self.calls.call(self.change_call(room, change)).await?)?;
        Ok(match outcome.as_str() {
            "changed" => RoomChanged::Changed,
            "unchanged" => RoomChanged::Unchanged,
            "full" => RoomChanged::Full,
            _ => RoomChanged::NoRoom,
        })
    }

    async fn list(&self, user: &UserId, room: &RoomName, listing: Listing) -> Result<bool> {
        let call = Call::new(&LIST, [self.keys.listed(user)]).arg(room).arg(listing.most());
        parsed(self.calls.call(call).await?)
    }

    async fn unlist(&self, user: &UserId, rooms: &[RoomName], unlisting: Unlisting) -> Result<()> {
        if rooms.is_empty() {
            return Ok(());
        }
        let age = if unlisting == Unlisting::Left { 0 } else { RECORDED_WITHIN_MS };
        let call = Call::new(&UNLIST, [self.keys.listed(user)]).arg(age);
        self.calls.call(rooms.iter().fold(call, |call, room| call.arg(room))).await.map(drop)
    }

    async fn listed(&self, user: &UserId) -> Result<Vec<RoomName>> {
        let found = self.calls.call(Call::plain("HKEYS", self.keys.listed(user))).await;
        let found: Vec<Vec<u8>> = parsed_if_ours(found)?;
        let names = found.iter().filter_map(|name| std::str::from_utf8(name).ok());
        let mut rooms: Vec<RoomName> = names.map(RoomName::from_trusted).collect();
        count_unreadable(Unreadable::RoomName, (found.len() - rooms.len()) as u64);
        rooms.sort_unstable();
        Ok(rooms)
    }

    async fn introduce(&self, user: &Author) -> Result<()> {
        let call = Call::plain("SET", self.keys.introduction(&user.user_id)).arg(&user.username);
        self.calls.call(call.arg("PX").arg(self.token_ttl.as_millis())).await.map(drop)
    }

    async fn introduced(&self, user: &UserId) -> Result<Option<Username>> {
        let name: Option<Vec<u8>> =
            parsed_if_ours(self.calls.call(Call::plain("GET", self.keys.introduction(user))).await)?;
        Ok(name.and_then(|name| std::str::from_utf8(&name).ok().map(Username::from_trusted)))
    }
}

/// Reads the fields of a record; `None` if there is no room. A member that can't be read is skipped and counted.
fn record(fields: Vec<Vec<u8>>) -> Option<RoomRecord> {
    let (mut record, mut exists, mut unreadable) = (RoomRecord::default(), false, 0);
    for field in fields.chunks_exact(2) {
        exists |= field[0] == b"created";
        if record.read_field(&field[0], &field[1]).is_none() {
            unreadable += 1;
        }
    }
    record.members.sort_unstable_by(|one, other| one.user_id.cmp(&other.user_id));
    count_unreadable(Unreadable::RoomRecord, unreadable);
    exists.then_some(record)
}

impl RoomRecord {
    /// Fields of a later version are skipped.
    fn read_field(&mut self, field: &[u8], value: &[u8]) -> Option<()> {
        let (field, value) = (std::str::from_utf8(field).ok()?, std::str::from_utf8(value).ok()?);
        match field.strip_prefix("m:") {
            Some(user) => {
                let (user_id, username) = (UserId::parse(user)?, Username::from_trusted(value));
                self.members.push(Author { user_id, username });
            }
            None if field == "owner" => self.owner = Some(UserId::parse(value)?),
            None if field == "title" => self.title = Some(value.to_owned()),
            None if field == "topic" => self.topic = Some(value.to_owned()),
            None => {}
        }
        Some(())
    }
}
