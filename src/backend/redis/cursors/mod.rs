//! Cursors in Redis: a hash beside each room's log, so that one script can count from them.

mod replies;

use async_trait::async_trait;
use redis::Value;

use self::replies::{Advance, Count};
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::script::{Memory, REPLID, Script, TYPES};
use crate::backend::redis::client::server::parsed;
use crate::backend::redis::keys::Keys;
use crate::backend::redis::log::{ENTRIES, FENCE, PAGES, TEXTS};
use crate::backend::redis::topology::pooled::PooledCalls;
use crate::backend::{Cursors, NONCE_TTL, Reader, ReaderKind, Result, Unread};
use crate::config::Config;
use crate::model::{RoomName, UserId};

/// The part that the scripts of cursors share.
pub(super) const CURSORS: &str = include_str!("cursors.lua");
/// The part of those that move cursors.
pub(super) const MOVE: &str = include_str!("move.lua");

static ADVANCE: Script =
    Script::new(Memory::Grows, &[TYPES, REPLID, FENCE, ENTRIES, CURSORS, MOVE, include_str!("advance.lua")]);

static CURSOR: Script =
    Script::new(Memory::Untouched, &[REPLID, FENCE, ENTRIES, CURSORS, include_str!("cursor.lua")]);

static UNREAD: Script = Script::new(
    Memory::Untouched,
    &[REPLID, FENCE, ENTRIES, TEXTS, PAGES, CURSORS, include_str!("unread.lua")],
);

/// The scripts of this folder.
pub(super) const SCRIPTS: &[&Script] = &[&ADVANCE, &CURSOR, &UNREAD];

/// Texts that one call looks at: some 5 µs each. Redis runs many calls of a pipeline in a row, so each must be short.
const COUNTED: usize = 250;

/// Rooms whose texts are counted by one pipeline.
const PIPELINE: usize = 100;

/// The cursors.
#[derive(Debug)]
pub struct RedisCursors {
    keys: Keys,
    calls: PooledCalls,
    log_ttl_ms: u128,
    ttl_ms: u128,
    max_per_room: usize,
}

/// A room that is being counted.
struct Counting<'a> {
    room: &'a RoomName,
    /// Where the next call goes on.
    from: Option<u64>,
    unread: Unread,
}

/// The lifetime of the cursors of a room: that of its head.
pub(super) fn lifetime_ms(config: &Config) -> u128 {
    let ttl = config.history.ttl;
    (ttl + ttl / 16 + NONCE_TTL).as_millis()
}

impl RedisCursors {
    pub fn new(keys: Keys, calls: PooledCalls, config: &Config) -> Self {
        Self {
            keys,
            calls,
            log_ttl_ms: config.history.ttl.as_millis(),
            ttl_ms: lifetime_ms(config),
            max_per_room: config.limits.cursors_per_room,
        }
    }

    /// Moves a cursor to a number, or to the head if there is none yet.
    async fn move_to(&self, room: &RoomName, reader: &Reader, seq: Option<u64>) -> Result<Advance> {
        let call = Call::new(&ADVANCE, self.keys.cursor_keys(room))
            .arg(&reader.user)
            .arg(if reader.kind == ReaderKind::Guest { "g" } else { "u" })
            .arg(seq.map_or_else(String::new, |seq| seq.to_string()))
            .arg(self.ttl_ms)
            .arg(self.max_per_room);
        parsed(self.calls.call(call).await?)
    }

    fn unread_call(&self, user: &UserId, counting: &Counting<'_>) -> Call {
        Call::new(&UNREAD, self.keys.cursor_keys(counting.room))
            .arg(self.log_ttl_ms)
            .arg(user)
            .arg(serde_json::to_string(user.as_str()).expect("a string is always JSON"))
            .arg(counting.from.map_or_else(String::new, |from| from.to_string()))
            .arg(COUNTED)
            .arg(counting.from.map_or_else(String::new, |_| counting.unread.head.to_string()))
    }

    async fn count(&self, user: &UserId, rooms: &[RoomName]) -> Vec<Result<Unread>> {
        let mut outcomes: Vec<Option<Result<Unread>>> = rooms.iter().map(|_| None).collect();
        let mut pending: Vec<(usize, Counting<'_>)> = rooms
            .iter()
            .map(|room| Counting { room, from: None, unread: Unread::default() })
            .enumerate()
            .collect();
        // Each round looks at more of every log that is left, so there are as many as the longest log needs.
        while !pending.is_empty() {
            let calls: Vec<Call> =
                pending.iter().map(|(_, counting)| self.unread_call(user, counting)).collect();
            let values = self.calls.call_all(&calls).await;
            let mut rest = Vec::new();
            for ((place, mut counting), value) in pending.into_iter().zip(values) {
                match value.and_then(|value| counting.add(value)) {
                    Ok(true) => outcomes[place] = Some(Ok(counting.unread)),
                    Ok(false) => rest.push((place, counting)),
                    Err(error) => outcomes[place] = Some(Err(error)),
                }
            }
            pending = rest;
        }
        outcomes.into_iter().flatten().collect()
    }
}

impl Counting<'_> {
    /// Adds the reply of a call. Returns whether all is counted.
    fn add(&mut self, value: Value) -> Result<bool> {
        let Count { head, cursor, texts, mentions, reached, last } = parsed(value)?;
        let unread = &mut self.unread;
        let before = self.from.replace(reached);
        if before.is_none() {
            unread.cursor = cursor;
            unread.last = last;
            unread.head = head;
        }
        unread.texts += texts;
        unread.mentions += mentions;
        // Texts that came since the first call are of the next count. A log that was lost meanwhile has no more.
        Ok(reached >= unread.head || before.is_some_and(|before| reached <= before))
    }
}

#[async_trait]
impl Cursors for RedisCursors {
    async fn advance(&self, room: &RoomName, reader: &Reader, seq: u64) -> Result<Option<u64>> {
        let Advance { is_moved, place } = self.move_to(room, reader, Some(seq)).await?;
        Ok(place.filter(|_| is_moved))
    }

    async fn begin(&self, room: &RoomName, reader: &Reader) -> Result<Option<u64>> {
        Ok(self.move_to(room, reader, None).await?.place)
    }

    async fn cursors(&self, of: &[(RoomName, UserId)]) -> Vec<Result<Option<u64>>> {
        let call =
            |(room, user): &(RoomName, UserId)| Call::new(&CURSOR, self.keys.cursor_keys(room)).arg(user);
        let mut places = Vec::with_capacity(of.len());
        for of in of.chunks(PIPELINE) {
            let calls: Vec<Call> = of.iter().map(call).collect();
            let values = self.calls.call_all(&calls).await;
            places.extend(values.into_iter().map(|value| {
                let place: String = parsed(value?)?;
                Ok(place.parse().ok())
            }));
        }
        places
    }

    async fn forget(&self, room: &RoomName, user: &UserId) -> Result<()> {
        let [.., cursors] = self.keys.cursor_keys(room);
        self.calls.call(Call::plain("HDEL", cursors).arg(user)).await.map(drop)
    }

    async fn unread(&self, user: &UserId, rooms: &[RoomName]) -> Vec<Result<Unread>> {
        let mut unread = Vec::with_capacity(rooms.len());
        for rooms in rooms.chunks(PIPELINE) {
            unread.extend(self.count(user, rooms).await);
        }
        unread
    }
}
