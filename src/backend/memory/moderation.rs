//! The rules of rooms, and the record of what moderators did.

use std::collections::{BTreeMap, HashMap, VecDeque};

use async_trait::async_trait;
use tokio::time::Instant;

use super::MemoryNode;
use crate::backend::{
    AuditEntry, AuditPage, AuditPosition, AuditRecord, BackendError, KICK_KEPT, MAX_RULES, Moderation, Mute,
    Result, RoomRules, RulesChange,
};
use crate::model::{ControlEvent, Event, RoomName, Timestamp, UserId};

#[async_trait]
impl Moderation for MemoryNode {
    async fn rules(&self, rooms: &[RoomName]) -> Vec<Result<RoomRules>> {
        let shared = self.cluster.lock();
        let now = Instant::now();
        rooms.iter().map(|room| Ok(shared.moderation.rules(room, now))).collect()
    }

    async fn change_rules(&self, room: &RoomName, change: &RulesChange) -> Result<()> {
        let mut shared = self.cluster.lock();
        shared.moderation.change(room, change, Instant::now())?;
        shared.publish([(room.clone(), Event::Control(ControlEvent::RulesChanged))]);
        Ok(())
    }

    async fn record(&self, entry: &AuditRecord) -> Result<()> {
        self.cluster.lock().moderation.record(entry.clone());
        Ok(())
    }

    async fn audit(&self, before: Option<AuditPosition>, limit: usize) -> Result<AuditPage> {
        Ok(self.cluster.lock().moderation.audit(before, limit))
    }
}

/// The rules of all rooms, and the record.
pub(super) struct ModerationState {
    rooms: HashMap<RoomName, StoredRules>,
    audit: VecDeque<AuditEntry>,
    max_entries: usize,
}

#[derive(Default)]
struct StoredRules {
    version: u64,
    is_locked: bool,
    /// When each ends.
    mutes: BTreeMap<UserId, (Instant, Timestamp)>,
    /// The version of each, and until when it is kept.
    kicks: BTreeMap<UserId, (u64, Instant)>,
}

impl ModerationState {
    /// `max_entries` limits the record.
    pub(super) fn new(max_entries: usize) -> Self {
        Self { rooms: HashMap::new(), audit: VecDeque::new(), max_entries }
    }

    fn rules(&self, room: &RoomName, now: Instant) -> RoomRules {
        let Some(stored) = self.rooms.get(room) else { return RoomRules::default() };
        let mutes = stored.mutes.iter().filter(|(_, (ends, _))| *ends > now);
        let kicks = stored.kicks.iter().filter(|(_, (_, ends))| *ends > now);
        RoomRules {
            version: stored.version,
            is_locked: stored.is_locked,
            mutes: mutes
                .map(|(user, (ends, until))| Mute { user: user.clone(), until: *until, left: *ends - now })
                .collect(),
            kicks: kicks.map(|(user, (version, _))| (user.clone(), *version)).collect(),
        }
    }

    /// `change_rules.lua`
    fn change(&mut self, room: &RoomName, change: &RulesChange, now: Instant) -> Result<()> {
        let millis = Timestamp::now().unix_millis();
        let rules = self.rooms.entry(room.clone()).or_default();
        rules.remove_ended(now);
        let is_full = rules.mutes.len() + rules.kicks.len() >= MAX_RULES;
        let version = millis.max(rules.version + 1);
        match change {
            RulesChange::Mute(user, lasts) => {
                if is_full && !rules.mutes.contains_key(user) {
                    return Err(BackendError::TooManyRules);
                }
                let until = Timestamp::from_unix_millis(millis.saturating_add(lasts.as_millis() as u64));
                let until = until.ok_or(BackendError::TooManyRules)?;
                rules.mutes.insert(user.clone(), (now + *lasts, until));
            }
            RulesChange::Unmute(user) => drop(rules.mutes.remove(user)),
            RulesChange::Lock => rules.is_locked = true,
            RulesChange::Unlock => rules.is_locked = false,
            RulesChange::Kick(user) => {
                if is_full && !rules.kicks.contains_key(user) {
                    return Err(BackendError::TooManyRules);
                }
                rules.kicks.insert(user.clone(), (version, now + KICK_KEPT));
            }
        }
        rules.version = version;
        Ok(())
    }

    fn record(&mut self, record: AuditRecord) {
        let millis = Timestamp::now().unix_millis();
        let position = match self.audit.back() {
            Some(last) if last.position.millis >= millis => {
                AuditPosition { number: last.position.number + 1, ..last.position }
            }
            _ => AuditPosition { millis, number: 0 },
        };
        self.audit.push_back(AuditEntry { position, record });
        while self.audit.len() > self.max_entries {
            self.audit.pop_front();
        }
    }

    fn audit(&self, before: Option<AuditPosition>, limit: usize) -> AuditPage {
        let older =
            self.audit.iter().rev().filter(|entry| before.is_none_or(|before| entry.position < before));
        let entries: Vec<AuditEntry> = older.take(limit).cloned().collect();
        let next = entries.last().filter(|_| entries.len() == limit).map(|last| last.position);
        AuditPage { entries, next }
    }

    /// Forgets a room.
    pub(super) fn forget(&mut self, room: &RoomName) {
        self.rooms.remove(room);
    }

    /// Forgets rooms of which nothing is left to know.
    pub(super) fn remove_ended(&mut self, now: Instant) {
        self.rooms.retain(|_, rules| {
            rules.remove_ended(now);
            rules.is_locked || !rules.mutes.is_empty() || !rules.kicks.is_empty()
        });
    }
}

impl StoredRules {
    fn remove_ended(&mut self, now: Instant) {
        self.mutes.retain(|_, (ends, _)| *ends > now);
        self.kicks.retain(|_, (_, ends)| *ends > now);
    }
}
