//! The rules of a room as this node knows them: read when the room opens, again after each change, and after events may have
//! been missed. So a message asks the backend nothing, and a mute ends without an event.

pub(super) mod members;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::debug;

use self::members::KnownMembers;
use super::hub::{Hub, names_of};
use super::room::Room;
use crate::backend::{BackendError, Result, RoomRecord, RoomRules};
use crate::chat::Identity;
use crate::chat::users::{Control, LeaveReason};
use crate::model::{Role, RoomName, UserId};
use crate::protocol::{ErrorCode, Rejection};

/// Wait before rules that could not be read are read again.
const RETRY: Duration = Duration::from_millis(250);

/// The right to speak in a room, by user.
#[derive(Debug, Default)]
pub(in crate::chat) struct SpeechRules {
    is_locked: bool,
    /// Until when each user is mute.
    mutes: HashMap<UserId, Instant>,
}

impl SpeechRules {
    /// Of rules that were read at `now` or later.
    pub(in crate::chat) fn new(rules: &RoomRules, now: Instant) -> Self {
        let mutes = rules.mutes.iter().map(|mute| (mute.user.clone(), now + mute.left));
        Self { is_locked: rules.is_locked, mutes: mutes.collect() }
    }

    /// Whether a user may speak, who owns the room or does not.
    ///
    /// # Errors
    /// `muted`, `room_locked`
    pub(in crate::chat) fn check(
        &self,
        identity: &Identity,
        is_owner: bool,
    ) -> std::result::Result<(), Rejection> {
        let left = self.mutes.get(&identity.author.user_id);
        let left = left.map(|ends| ends.saturating_duration_since(Instant::now()));
        if let Some(left) = left.filter(|left| !left.is_zero()) {
            let sentence = "A moderator has muted you in this room; wait until it ends";
            let rejection = Rejection::new(ErrorCode::Muted, sentence);
            return Err(Rejection { retry_after: Some(left), ..rejection });
        }
        if self.is_locked && !is_owner && identity.role < Role::Moderator {
            let sentence = "A moderator has locked this room; only moderators may speak";
            return Err(Rejection::new(ErrorCode::RoomLocked, sentence));
        }
        Ok(())
    }
}

/// The rules of a room, the members of a private one, and the reads of both.
#[derive(Debug, Default)]
pub(super) struct LiveRules(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// `None` before the first read.
    speech: Option<SpeechRules>,
    version: u64,
    /// Of a private room.
    members: KnownMembers,
    /// Reads that have begun, and the last one that counts. A read that began later saw a later state.
    begun: u64,
    counted: u64,
    reading: Reading,
}

/// Whether a task reads the rules until it succeeds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Reading {
    #[default]
    No,
    Yes,
    /// They have changed since its read began.
    Again,
}

impl LiveRules {
    /// Whether a user may speak; `None` before the rules are known.
    pub(super) fn check(&self, identity: &Identity) -> Option<std::result::Result<(), Rejection>> {
        let state = self.lock();
        let is_owner = state.members.is_owner(&identity.author.user_id);
        state.speech.as_ref().map(|speech| speech.check(identity, is_owner))
    }

    /// Whether a user is known as a member of a private room.
    pub(super) fn has_member(&self, user: &UserId) -> bool {
        self.lock().members.has(user)
    }

    /// Whether a user is known as the owner of a private room.
    pub(super) fn is_owner(&self, user: &UserId) -> bool {
        self.lock().members.is_owner(user)
    }

    /// Takes a user that a read of this number has shown as a member, unless it was removed meanwhile.
    pub(super) fn admit_member(&self, user: &UserId, read: u64) -> bool {
        self.lock().members.admit(user, read)
    }

    /// The removal of a user was published.
    pub(super) fn remove_member(&self, user: &UserId) {
        let mut state = self.lock();
        let begun = state.begun;
        state.members.remove(user, begun);
    }

    /// The end of the private room was published.
    pub(super) fn delete_members(&self) {
        self.lock().members.delete();
    }

    /// The number of a read that begins.
    pub(super) fn begin(&self) -> u64 {
        let mut state = self.lock();
        state.begun += 1;
        state.begun
    }

    /// Takes what a read has found, unless a later read was quicker. Returns the users that were kicked since the last.
    fn take_in(&self, read: u64, rules: &RoomRules, record: Option<RoomRecord>) -> Vec<UserId> {
        let mut state = self.lock();
        if read <= state.counted {
            return Vec::new();
        }
        let is_first = state.speech.is_none();
        let known = state.version;
        state.speech = Some(SpeechRules::new(rules, Instant::now()));
        state.version = rules.version;
        state.members.take_in(read, record);
        state.counted = read;
        // Sessions that enter a room as it opens come after these kicks.
        let kicks = rules.kicks.iter().filter(|(_, version)| !is_first && *version > known);
        kicks.map(|(user, _)| user.clone()).collect()
    }

    /// Whether the caller is to read until it succeeds; if not, another task does.
    fn begin_task(&self) -> bool {
        let mut state = self.lock();
        let is_first = state.reading == Reading::No;
        state.reading = if is_first { Reading::Yes } else { Reading::Again };
        is_first
    }

    /// Whether the task of [`Self::begin_task`] is done.
    fn end_task(&self) -> bool {
        let mut state = self.lock();
        let is_done = state.reading == Reading::Yes;
        state.reading = if is_done { Reading::No } else { Reading::Yes };
        is_done
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no code panics while it holds this lock")
    }
}

impl Hub {
    /// Reads the rules of a room once.
    pub(super) async fn read_rules(&self, room: &Room) -> Result<()> {
        let read = room.rules.begin();
        let name = std::slice::from_ref(&room.name);
        let (mut rules, mut records) =
            tokio::join!(self.backend().moderation.rules(name), self.read_records(name));
        let rules = rules.pop().unwrap_or_else(no_answer)?;
        self.take_in_rules(room, read, &rules, records.pop().unwrap_or_else(no_answer)?);
        Ok(())
    }

    /// Reads the rules of a room as often as it takes, in a task of their own.
    pub(super) fn reread_rules(&self, room: &Arc<Room>) {
        if !room.rules.begin_task() {
            return;
        }
        let (hub, room) = (self.clone(), room.clone());
        let supervisor = self.supervisor().clone();
        self.supervisor().run_once("room-rules", async move {
            supervisor.until_stopping(hub.read_rules_until_known(&room)).await;
        });
    }

    async fn read_rules_until_known(&self, room: &Room) {
        loop {
            match self.read_rules(room).await {
                Ok(()) if room.rules.end_task() => return,
                Ok(()) => {}
                Err(error) => {
                    debug!(error = %error.root_cause(), room = %room.name, "could not read the rules of a room");
                    sleep(RETRY).await;
                }
            }
        }
    }

    /// Reads the rules of several rooms together. Those that can't be read now are read by tasks of their own.
    pub(super) async fn reread_all_rules(&self, rooms: &[Arc<Room>]) {
        let reads: Vec<u64> = rooms.iter().map(|room| room.rules.begin()).collect();
        let names = names_of(rooms);
        let (rules, records) =
            tokio::join!(self.backend().moderation.rules(&names), self.read_records(&names));
        for (((room, read), rules), record) in rooms.iter().zip(reads).zip(rules).zip(records) {
            match (rules, record) {
                (Ok(rules), Ok(record)) => self.take_in_rules(room, read, &rules, record),
                _ => self.reread_rules(room),
            }
        }
    }

    /// The records of the private rooms among these, in their order. Asks nothing if there are none.
    async fn read_records(&self, rooms: &[RoomName]) -> Vec<Result<Option<RoomRecord>>> {
        let private: Vec<RoomName> = rooms.iter().filter(|room| room.is_private()).cloned().collect();
        if private.is_empty() {
            return rooms.iter().map(|_| Ok(None)).collect();
        }
        let mut records = self.backend().rooms.records(&private).await.into_iter();
        let record = |room: &RoomName| match room.is_private() {
            true => records.next().unwrap_or_else(no_answer),
            false => Ok(None),
        };
        rooms.iter().map(record).collect()
    }

    fn take_in_rules(&self, room: &Room, read: u64, rules: &RoomRules, record: Option<RoomRecord>) {
        for user in room.rules.take_in(read, rules, record) {
            self.users().send(&user, &Control::LeaveRoom(room.name.clone(), LeaveReason::Kicked));
        }
        self.expel_strangers(room);
    }
}

fn no_answer<T>() -> Result<T> {
    Err(BackendError::Unavailable("no answer about a room".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Mute;
    use crate::model::{Timestamp, Username};

    fn identity(role: Role) -> Identity {
        Identity { role, ..Identity::guest(Username::from_trusted("রহিম")) }
    }

    fn code(outcome: std::result::Result<(), Rejection>) -> Option<ErrorCode> {
        outcome.err().map(|rejection| rejection.code)
    }

    #[test]
    fn a_locked_room_lets_moderators_speak() {
        let rules = SpeechRules { is_locked: true, ..SpeechRules::default() };
        for (role, refusal) in [
            (Role::Guest, Some(ErrorCode::RoomLocked)),
            (Role::Member, Some(ErrorCode::RoomLocked)),
            (Role::Moderator, None),
            (Role::Admin, None),
        ] {
            assert_eq!(code(rules.check(&identity(role), false)), refusal, "{role}");
            assert_eq!(code(rules.check(&identity(role), true)), None, "the owner may");
            assert_eq!(code(SpeechRules::default().check(&identity(role), false)), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_mute_ends_by_itself_and_says_when() {
        let (muted, other) = (identity(Role::Moderator), identity(Role::Guest));
        let mute = Mute {
            user: muted.author.user_id.clone(),
            until: Timestamp::now(),
            left: Duration::from_secs(2),
        };
        let rules = RoomRules { mutes: vec![mute], ..RoomRules::default() };
        let rules = SpeechRules::new(&rules, Instant::now());
        let refused = rules.check(&muted, true).unwrap_err();
        assert_eq!((refused.code, refused.retry_after), (ErrorCode::Muted, Some(Duration::from_secs(2))));
        assert_eq!(code(rules.check(&other, false)), None);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(code(rules.check(&muted, true)), None);
    }

    #[test]
    fn a_kick_counts_once_and_for_those_who_were_there() {
        let (rules, user) = (LiveRules::default(), UserId::guest());
        let at =
            |version| RoomRules { version, kicks: vec![(user.clone(), version)], ..RoomRules::default() };
        let take_in = |version| rules.take_in(rules.begin(), &at(version), None);
        assert!(take_in(5).is_empty(), "it was before the room opened");
        assert!(take_in(5).is_empty());
        assert_eq!(take_in(6), std::slice::from_ref(&user));
        assert!(take_in(6).is_empty());
        assert!(take_in(0).is_empty(), "the backend has lost them");
        assert_eq!(take_in(7), std::slice::from_ref(&user));
    }

    #[test]
    fn a_read_that_began_earlier_does_not_undo_a_later_one() {
        let rules = LiveRules::default();
        let (earlier, later) = (rules.begin(), rules.begin());
        let locked = RoomRules { is_locked: true, version: 2, ..RoomRules::default() };
        rules.take_in(later, &locked, None);
        rules.take_in(earlier, &RoomRules::default(), None);
        assert_eq!(rules.check(&identity(Role::Guest)).and_then(code), Some(ErrorCode::RoomLocked));
    }

    #[test]
    fn one_task_reads_and_reads_again_after_a_change() {
        let rules = LiveRules::default();
        assert!(rules.begin_task());
        assert!(!rules.begin_task(), "another task reads");
        assert!(!rules.end_task(), "the change came after its read began");
        assert!(rules.end_task());
        assert!(rules.begin_task());
    }
}
