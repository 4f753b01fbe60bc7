//! The rounds over the rooms of this node: those that are empty are let go, the others compared with their logs in turn.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::hub::Hub;
use super::sink::FlushSet;
use super::throttle::RoundRobin;
use crate::backend::Channel;
use crate::model::RoomName;
use crate::supervisor::ticks;

impl Hub {
    /// Once a second: tells counts that waited; lets go of rooms that have been empty for
    /// `unsubscribe_after` seconds; compares rooms in which something unreadable was published, and a share
    /// of the others, all of them in `check_every`.
    pub(in crate::chat) async fn keep_up(self, unsubscribe_after: Duration, check_every: Duration) {
        let mut ticks = ticks(Duration::from_secs(1));
        let mut empty_for: HashMap<RoomName, u64> = HashMap::new();
        let mut round_robin = RoundRobin::new(check_every);
        loop {
            tokio::select! {
                () = self.inner.supervisor.stopping() => return,
                _ = ticks.tick() => {}
            }
            let rooms = self.all();
            let mut flushes = FlushSet::default();
            for room in &rooms {
                room.tick(&mut flushes);
                if room.is_occupied() {
                    empty_for.remove(&room.name);
                } else {
                    *empty_for.entry(room.name.clone()).or_default() += 1;
                }
            }
            flushes.run().await;
            let unreadable_rooms = std::mem::take(&mut *self.lock_unreadable_rooms());
            let mut turn = round_robin.turn(&rooms);
            for room in unreadable_rooms.iter().filter_map(|name| self.find(name)) {
                self.reread_rules(&room);
                turn.push(room);
            }
            // A room whose log can't be read now has its next turn, or is compared when the subscription stands again.
            self.compare(&turn).await;
            drop(turn);
            drop(rooms);
            empty_for
                .retain(|name, seconds| *seconds < unsubscribe_after.as_secs().max(1) || !self.let_go(name));
        }
    }

    /// Unsubscribes from a room unless a handle is out. Returns whether it is gone.
    fn let_go(&self, name: &RoomName) -> bool {
        let mut rooms = self.inner.rooms.write().expect("no code panics while it holds this lock");
        match rooms.get(name) {
            Some(room) if Arc::strong_count(room) > 1 || room.is_occupied() => false,
            Some(_) => {
                rooms.remove(name);
                // Under the lock, so that it comes before the subscription of the caller that opens the
                // room next.
                self.inner.backend.pubsub.unsubscribe(&Channel::Room(name.clone()));
                true
            }
            None => true,
        }
    }
}
