//! The index of rooms by size. It selects the busiest rooms and lags by seconds; exact counts are read from the
//! rooms. Each node writes the sizes of the rooms that it has changed.

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

/// Interval between two writes.
const WRITE_INTERVAL: Duration = Duration::from_secs(1);

/// How often a size is written after a change. Two nodes may write the sizes they have read in another order; the
/// second write of either has the final size.
const WRITES_PER_CHANGE: u8 = 2;

/// Maximum number of rooms in one write.
const ROOMS_PER_WRITE: usize = 512;

/// The rooms whose size in the index may be outdated; a cheap handle.
#[derive(Debug, Clone, Default)]
pub struct Sizes(Arc<Mutex<HashMap<RoomName, u8>>>);

impl Sizes {
    /// Marks rooms whose size has changed.
    pub fn measure<'a>(&self, rooms: impl IntoIterator<Item = &'a RoomName>) {
        let mut changed = self.lock();
        for room in rooms {
            changed.insert(room.clone(), WRITES_PER_CHANGE);
        }
    }

    /// Writes sizes as long as this node runs.
    pub async fn keep(self, keys: Keys, shards: Arc<Shards>) {
        let mut ticks = ticks(WRITE_INTERVAL);
        loop {
            ticks.tick().await;
            let changed: Vec<(RoomName, u8)> = std::mem::take(&mut *self.lock()).into_iter().collect();
            for group in changed.chunks(ROOMS_PER_WRITE) {
                self.write(&keys, &shards, group).await;
            }
        }
    }

    /// Rooms that can't be read or written now are retried with the next write.
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
                // Keeps a count that was set by a concurrent change.
                changed.entry(room.clone()).or_insert(left);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RoomName, u8>> {
        self.0.lock().expect("no code panics while it holds this lock")
    }
}
