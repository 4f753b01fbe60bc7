//! The rules of rooms, a hash each in the slot of its room, and the record of what moderators did, a stream.

use std::time::Duration;

use async_trait::async_trait;
use redis::Value;

use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::script::{Memory, Script, TYPES};
use crate::backend::redis::client::server::{parsed, parsed_if_ours};
use crate::backend::redis::keys::Keys;
use crate::backend::redis::presence::CLOCK;
use crate::backend::redis::pubsub::codec::PUBLISH;
use crate::backend::redis::topology::pooled::PooledCalls;
use crate::backend::{
    AuditEntry, AuditPage, AuditPosition, AuditRecord, BackendError, KICK_KEPT, MAX_RULES, Moderation, Mute,
    Result, RoomRules, RulesChange,
};
use crate::config::Config;
use crate::model::{RoomName, Timestamp, UserId};
use crate::telemetry::{Unreadable, count_unreadable};

static READ: Script = Script::new(Memory::Untouched, &[CLOCK, include_str!("read_rules.lua")]);

/// Allowed at the memory limit: moderators are needed then, and the number of rules is bounded.
static CHANGE: Script =
    Script::new(Memory::Spares, &[TYPES, CLOCK, PUBLISH, include_str!("change_rules.lua")]);

static RECORD: Script = Script::new(Memory::Spares, &[TYPES, include_str!("record.lua")]);

/// The scripts of this folder.
pub(super) const SCRIPTS: &[&Script] = &[&READ, &CHANGE, &RECORD];

/// Moderation in Redis.
#[derive(Debug)]
pub struct RedisModeration {
    keys: Keys,
    calls: PooledCalls,
    audit_entries: usize,
}

impl RedisModeration {
    pub fn new(keys: Keys, calls: PooledCalls, config: &Config) -> Self {
        let audit_entries = config.moderation.audit_entries;
        Self { keys, calls, audit_entries }
    }
}

#[async_trait]
impl Moderation for RedisModeration {
    async fn rules(&self, rooms: &[RoomName]) -> Vec<Result<RoomRules>> {
        let call = |room: &RoomName| Call::new(&READ, [self.keys.rules(room)]);
        let calls: Vec<Call> = rooms.iter().map(call).collect();
        let values = self.calls.call_all(&calls).await;
        values.into_iter().map(rules).collect()
    }

    async fn change_rules(&self, room: &RoomName, change: &RulesChange) -> Result<()> {
        let (what, user, lasts) = match change {
            RulesChange::Mute(user, lasts) => ("mute", Some(user), *lasts),
            RulesChange::Unmute(user) => ("unmute", Some(user), Duration::ZERO),
            RulesChange::Lock => ("lock", None, Duration::ZERO),
            RulesChange::Unlock => ("unlock", None, Duration::ZERO),
            RulesChange::Kick(user) => ("kick", Some(user), Duration::ZERO),
        };
        let call = Call::new(&CHANGE, [self.keys.rules(room)])
            .arg(self.keys.channel(room))
            .arg(what)
            .arg(user.map(UserId::as_str).unwrap_or_default())
            .arg(lasts.as_millis())
            .arg(MAX_RULES)
            .arg(KICK_KEPT.as_millis());
        match parsed::<u8>(self.calls.call(call).await?)? {
            0 => Err(BackendError::TooManyRules),
            _ => Ok(()),
        }
    }

    async fn record(&self, entry: &AuditRecord) -> Result<()> {
        let json = serde_json::to_string(entry).expect("texts and numbers are JSON");
        let call = Call::new(&RECORD, [self.keys.audit()]).arg(self.audit_entries).arg(json);
        self.calls.call(call).await.map(drop)
    }

    async fn audit(&self, before: Option<AuditPosition>, limit: usize) -> Result<AuditPage> {
        let call = Call::plain("XREVRANGE", self.keys.audit())
            .arg(newest_before(before))
            .arg("-")
            .arg("COUNT")
            .arg(limit);
        let found: Vec<(String, Vec<Vec<u8>>)> = parsed_if_ours(self.calls.call(call).await)?;
        let next = found.last().filter(|_| found.len() == limit);
        let next = next.and_then(|(id, _)| AuditPosition::parse(id));
        let entries: Vec<AuditEntry> = found.iter().filter_map(|(id, fields)| entry(id, fields)).collect();
        count_unreadable(Unreadable::Moderation, (found.len() - entries.len()) as u64);
        Ok(AuditPage { entries, next })
    }
}

/// The end of a range of a stream. Redis takes no `(0-0`.
pub(super) fn newest_before(before: Option<AuditPosition>) -> String {
    match before {
        None => "+".to_owned(),
        Some(AuditPosition::LEAST) => AuditPosition::LEAST.to_string(),
        Some(before) => format!("({before}"),
    }
}

/// Reads the reply of `read_rules.lua`. A field that can't be read is skipped and counted.
fn rules(value: Result<Value>) -> Result<RoomRules> {
    let (now, fields): (String, Vec<Vec<u8>>) = parsed_if_ours(value)?;
    let now: u64 = now.parse().unwrap_or(0);
    let mut rules = RoomRules::default();
    let mut unreadable = 0;
    for field in fields.chunks_exact(2) {
        if rules.read_field(&field[0], &field[1], now).is_none() {
            unreadable += 1;
        }
    }
    rules.mutes.sort_by(|one, other| one.user.cmp(&other.user));
    rules.kicks.sort();
    count_unreadable(Unreadable::Moderation, unreadable);
    Ok(rules)
}

impl RoomRules {
    fn read_field(&mut self, field: &[u8], value: &[u8], now: u64) -> Option<()> {
        let (field, value) = (std::str::from_utf8(field).ok()?, std::str::from_utf8(value).ok()?);
        match field.split_at_checked(2) {
            _ if field == "locked" => self.is_locked = true,
            _ if field == "version" => self.version = value.parse().ok()?,
            Some(("m:", user)) => {
                let (user, ends) = (UserId::parse(user)?, value.parse::<u64>().ok()?);
                let until = Timestamp::from_unix_millis(ends)?;
                if ends > now {
                    self.mutes.push(Mute { user, until, left: Duration::from_millis(ends - now) });
                }
            }
            Some(("k:", user)) => {
                let (user, version) = (UserId::parse(user)?, value.parse::<u64>().ok()?);
                if version.saturating_add(KICK_KEPT.as_millis() as u64) > now {
                    self.kicks.push((user, version));
                }
            }
            _ => return None,
        }
        Some(())
    }
}

fn entry(id: &str, fields: &[Vec<u8>]) -> Option<AuditEntry> {
    let field =
        |name: &[u8]| fields.chunks_exact(2).find(|field| field[0] == name).map(|field| field[1].as_slice());
    if field(b"v")? != b"1" {
        return None;
    }
    Some(AuditEntry {
        position: AuditPosition::parse(id)?,
        record: serde_json::from_slice(field(b"e")?).ok()?,
    })
}
