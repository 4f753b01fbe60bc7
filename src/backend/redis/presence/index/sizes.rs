//! The index of rooms by size. It says which rooms are the busiest, seconds late; what a room's size is, is
//! read from the room. Each node writes the sizes of the rooms that it has seen change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tracing::debug;

use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::role::Role;
use crate::backend::redis::client::script::{Memory, Script, TYPES};
use crate::backend::redis::client::server::parsed_if_ours;
use crate::backend::redis::keys::Keys;
use crate::backend::redis::topology::Shards;
use crate::model::RoomName;
use crate::supervisor::ticks;

pub(super) static RESIZE: Script = Script::new(Memory::Spares, &[TYPES, include_str!("resize.lua")]);

/// Time between two writings.
const EVERY: Duration = Duration::from_secs(1);

/// Times that the size of a room is written after it has changed. Two nodes may read sizes and write them in
/// another order; the second writing of either is of what both have left.
const TIMES: u8 = 2;

/// Rooms written at once, at most.
const GROUP: usize = 512;

/// The rooms whose size may not be what the index says; a cheap handle.
#[derive(Debug, Clone, Default)]
pub struct Sizes(Arc<Mutex<HashMap<RoomName, u8>>>);

impl Sizes {
    /// These rooms have changed.
    pub fn measure<'a>(&self, rooms: impl IntoIterator<Item = &'a RoomName>) {
        let mut changed = self.lock();
        for room in rooms {
            changed.insert(room.clone(), TIMES);
        }
    }

    /// Writes sizes as long as this node runs.
    pub async fn keep(self, keys: Keys, shards: Arc<Shards>) {
        let mut ticks = ticks(EVERY);
        loop {
            ticks.tick().await;
            let changed: Vec<(RoomName, u8)> = std::mem::take(&mut *self.lock()).into_iter().collect();
            for group in changed.chunks(GROUP) {
                self.write(&keys, &shards, group).await;
            }
        }
    }

    /// What can't be read or written now is left for the next time.
    async fn write(&self, keys: &Keys, shards: &Shards, group: &[(RoomName, u8)]) {
        let counts: Vec<Call> =
            group.iter().map(|(room, _)| Call::plain("ZCARD", keys.members(room))).collect();
        let counts = shards.call_all(&Role::Pooled, &counts).await;
        let counts: Vec<Option<u64>> = counts.into_iter().map(|count| parsed_if_ours(count).ok()).collect();
        let counted = group.iter().zip(&counts).filter_map(|((room, _), count)| Some((room, (*count)?)));
        let resize = Call::new(&RESIZE, [keys.rooms_by_size()]);
        let resize = counted.fold(resize, |call, (room, count)| call.arg(room).arg(count));
        let written = shards.call(&Role::Pooled, resize).await;
        if let Err(error) = &written {
            debug!(error = %error.root_cause(), "could not write room sizes");
        }
        let mut changed = self.lock();
        for ((room, times), count) in group.iter().zip(counts) {
            let left = if written.is_ok() && count.is_some() { times - 1 } else { *times };
            if left > 0 {
                // Unless it has changed meanwhile.
                changed.entry(room.clone()).or_insert(left);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RoomName, u8>> {
        self.0.lock().expect("no code panics while it holds this lock")
    }
}
