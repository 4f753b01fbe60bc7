//! Who is in which room: sets of sessions, each tagged with its node.

use redis::{Pipeline, Value};
use uuid::Uuid;

use super::generation::Generations;
use super::keys::Keys;
use super::link::{Link, first, parsed, value_or_error};
use super::scripts::{Call, Script, Scripts};
use crate::backend::{BackendError, Entered, Farewell, MEMBERS_IN_JOINED, Membership, Result, RoomCount};
use crate::config::Presence as Settings;
use crate::model::{
    ConnectionId, Member, MessageId, NodeId, Notice, NoticeKind, RoomName, Timestamp, UserId, Username,
};

/// Rooms restored in one pipeline, at most.
const GROUP: usize = 256;

/// The rooms' members in Redis. All writes go over one link, so a session's entering and leaving
/// keep their order.
#[derive(Debug, Clone)]
pub(super) struct Presence {
    node: NodeId,
    keys: Keys,
    scripts: Scripts,
    writes: Link,
    reads: Link,
    generations: Generations,
    announce_up_to: usize,
    linger_ms: u128,
}

impl Presence {
    pub(super) fn new(
        node: NodeId,
        keys: Keys,
        scripts: Scripts,
        [writes, reads]: [Link; 2],
        generations: Generations,
        settings: &Settings,
    ) -> Self {
        let (announce_up_to, linger_ms) = (settings.announce_up_to, settings.linger.as_millis());
        Self { node, keys, scripts, writes, reads, generations, announce_up_to, linger_ms }
    }

    pub(super) async fn enter(&self, room: &RoomName, member: &Member) -> Result<Entered> {
        let keys = &self.keys;
        let id = MessageId::now();
        let script_keys = keys.of_presence(room, &self.node.to_string());
        let script_keys = script_keys.into_iter().chain([keys.nodes(), keys.farewells(room)]);
        let call = Call::new(Script::Enter, script_keys)
            .arg(room)
            .arg(keys.channel(room))
            .arg(self.announce_up_to)
            .arg(self.entry(member))
            .arg(member.id)
            .arg(id)
            .arg(MEMBERS_IN_JOINED);
        entered(self.scripts.call(&self.writes, call).await?, member, id)
    }

    pub(super) async fn leave(&self, room: &RoomName, member: &Member, farewell: Farewell) -> Result<()> {
        let keys = &self.keys;
        let wait_ms = match farewell {
            Farewell::Now => 0,
            Farewell::Later => self.linger_ms,
        };
        let call = Call::new(Script::Leave, keys.of_presence(room, &self.node.to_string()))
            .arg(room)
            .arg(keys.channel(room))
            .arg(self.announce_up_to)
            .arg(self.entry(member))
            .arg(member.id)
            .arg(MessageId::now())
            .arg(wait_ms);
        self.scripts.call(&self.writes, call).await.map(drop)
    }

    /// Also visits the rooms that Redis believes this node to be in and that it is not.
    pub(super) async fn restore(&self, membership: &Membership) -> Result<()> {
        let generation = self.generations.current();
        let believed: Vec<String> = {
            let mut ask = Pipeline::new();
            ask.cmd("SMEMBERS").arg(self.keys.node_rooms(&self.node.to_string()));
            first(self.writes.run(&ask).await?)?
        };
        let stale = believed.iter().map(|name| RoomName::from_trusted(name));
        let stale = stale.filter(|room| !membership.contains_key(room)).map(|room| (room, &[][..]));
        let held = membership.iter().map(|(room, members)| (room.clone(), members.as_slice()));
        let calls: Vec<Call> =
            held.chain(stale).map(|(room, members)| self.restore_call(&room, members)).collect();
        for group in calls.chunks(GROUP) {
            self.scripts.call_all(&self.writes, group).await?.into_iter().collect::<Result<Vec<Value>>>()?;
        }
        self.generations.restore(generation);
        Ok(())
    }

    fn restore_call(&self, room: &RoomName, members: &[Member]) -> Call {
        let keys = &self.keys;
        let node = self.node.to_string();
        let script_keys =
            keys.of_presence(room, &node).into_iter().chain([keys.nodes(), keys.farewells(room)]);
        let call = Call::new(Script::Restore, script_keys)
            .arg(room)
            .arg(keys.channel(room))
            .arg(self.announce_up_to)
            .arg(node)
            .arg(self.linger_ms)
            .arg(Uuid::new_v4());
        members.iter().fold(call, |call, member| call.arg(self.entry(member)))
    }

    /// Reads the whole index for a page: the order by name is the client's, and a Redis set has none.
    pub(super) async fn rooms(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<RoomCount>> {
        let mut names: Vec<String> = self.read_set(self.keys.rooms()).await?;
        names.retain(|name| name.starts_with(prefix) && after.is_none_or(|after| name.as_str() > after));
        names.sort_unstable();
        let mut rooms = Vec::new();
        for names in names.chunks(limit.max(1)) {
            self.count(names, &mut rooms).await?;
            // A room may have emptied since the index was read; the page is filled all the same.
            if rooms.len() >= limit {
                break;
            }
        }
        rooms.truncate(limit);
        Ok(rooms)
    }

    async fn count(&self, names: &[String], rooms: &mut Vec<RoomCount>) -> Result<()> {
        let mut ask = Pipeline::with_capacity(names.len());
        for name in names {
            ask.cmd("SCARD").arg(self.keys.members(&RoomName::from_trusted(name)));
        }
        ask.cmd("HGET").arg(self.keys.clock()).arg("generation");
        let mut counts = self.reads.run(&ask).await?;
        self.vouch(counts.pop())?;
        for (name, value) in names.iter().zip(counts) {
            let client_count: u64 = parsed(value_or_error(value)?)?;
            if client_count > 0 {
                rooms.push(RoomCount { room: RoomName::from_trusted(name), client_count });
            }
        }
        Ok(())
    }

    pub(super) async fn members(
        &self,
        room: &RoomName,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(u64, Vec<Member>)> {
        let entries: Vec<String> = self.read_set(self.keys.members(room)).await?;
        let mut members: Vec<Member> = entries.iter().filter_map(|entry| read_entry(entry)).collect();
        let count = members.len() as u64;
        members.retain(|member| after.is_none_or(|after| member.id.to_string().as_str() > after));
        members.sort_unstable();
        members.truncate(limit);
        Ok((count, members))
    }

    async fn read_set(&self, key: String) -> Result<Vec<String>> {
        let mut ask = Pipeline::new();
        ask.cmd("SMEMBERS").arg(key);
        ask.cmd("HGET").arg(self.keys.clock()).arg("generation");
        let mut answers = self.reads.run(&ask).await?;
        self.vouch(answers.pop())?;
        first(answers)
    }

    /// The generation must be asked for *after* what it vouches for: then nothing can have been
    /// forgotten before the reading that the answer does not show.
    fn vouch(&self, generation: Option<Value>) -> Result<()> {
        let generation: Option<String> = parsed(value_or_error(generation.unwrap_or(Value::Nil))?)?;
        self.generations.vouch(generation.as_deref())
    }

    fn entry(&self, member: &Member) -> String {
        format!("{} {} {} {}", self.node, member.id, member.user_id, member.username)
    }
}

fn read_entry(entry: &str) -> Option<Member> {
    let mut words = entry.splitn(4, ' ').skip(1);
    Some(Member {
        id: ConnectionId::parse(words.next()?)?,
        user_id: UserId::parse(words.next()?)?,
        username: Username::from_trusted(words.next()?),
    })
}

fn entered(value: Value, member: &Member, id: MessageId) -> Result<Entered> {
    let fields: Vec<String> = parsed(value)?;
    let [count, announced_at, entries @ ..] = fields.as_slice() else {
        return Err(BackendError::Unavailable("an entrance that adda did not write".into()));
    };
    let client_count = count.parse().unwrap_or(0);
    let notice = announced_at.parse().ok().map(|millis| Notice {
        kind: NoticeKind::Join { client_count },
        id,
        connection: Some(member.id),
        user_id: member.user_id.clone(),
        username: member.username.clone(),
        timestamp: Timestamp::from_unix_millis(millis),
    });
    let members = entries.iter().filter_map(|entry| read_entry(entry)).collect();
    Ok(Entered { client_count, notice, members })
}
