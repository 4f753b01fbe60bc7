//! Tracks changes of rooms. Redis remembers the keys that a connection has read, and reports once when any client
//! changes them (`CLIENT TRACKING`): a node, an operator, an eviction, FLUSHALL. So only changed rooms are
//! compared, and an idle room costs nothing.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use redis::{PushInfo, PushKind, Value};
use tracing::info;

use crate::backend::redis::client::role::{PushHandler, Role};
use crate::backend::redis::keys::Keys;
use crate::model::RoomName;

/// Rooms that any client, this node included, has changed since they were compared; each is reported once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dirty {
    /// The changed rooms.
    pub rooms: HashSet<RoomName>,
    /// Any room may have changed: tracking was interrupted.
    pub all: bool,
}

/// The reports of the servers; a cheap handle.
#[derive(Debug, Clone)]
pub struct KeyTracking {
    keys: Keys,
    dirty: Arc<Mutex<Dirty>>,
}

impl KeyTracking {
    pub fn new(keys: Keys) -> Self {
        Self { keys, dirty: Arc::default() }
    }

    /// The role of the connection whose reads Redis tracks.
    pub fn role(&self) -> Role {
        Role::Pushed { name: "tracking", handler: Arc::new(self.clone()) }
    }

    /// Takes the changes since the last call.
    pub fn drain(&self) -> Dirty {
        std::mem::take(&mut self.lock())
    }

    /// Keys that were read before are not tracked any more.
    fn mark_all(&self) {
        self.lock().all = true;
    }

    fn lock(&self) -> MutexGuard<'_, Dirty> {
        self.dirty.lock().expect("no code panics while it holds this lock")
    }
}

#[async_trait]
impl PushHandler for KeyTracking {
    async fn opened(&self, connection: &mut MultiplexedConnection, redis: &str) {
        let asked = redis::cmd("CLIENT").arg("TRACKING").arg("ON").exec_async(connection).await;
        if let Err(error) = asked {
            info!(%error, redis, "CLIENT TRACKING refused; falling back to periodic membership checks");
        }
        self.mark_all();
    }

    fn on_push(&self, push: PushInfo) {
        match (push.kind, push.data.into_iter().next()) {
            (PushKind::Invalidate, Some(Value::Array(keys))) => {
                let rooms = keys.iter().filter_map(|key| match key {
                    Value::BulkString(key) => self.keys.room_of_members(std::str::from_utf8(key).ok()?),
                    _ => None,
                });
                self.lock().rooms.extend(rooms);
            }
            // Without keys: all keys were deleted.
            (PushKind::Invalidate | PushKind::Disconnection, _) => self.mark_all(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invalidate(data: Vec<Value>) -> PushInfo {
        PushInfo { kind: PushKind::Invalidate, data }
    }

    #[test]
    fn a_change_of_members_is_reported_once_and_other_keys_are_ignored() {
        let keys = Keys::new("adda:", 0);
        let tracking = KeyTracking::new(keys.clone());
        let room = RoomName::from_trusted("আড্ডা {1}");
        let changed = [keys.members(&room), keys.rooms(), "other:{a}:members".into()];
        let changed = changed.into_iter().map(|key| Value::BulkString(key.into_bytes())).collect();
        tracking.on_push(invalidate(vec![Value::Array(changed)]));
        let dirty = tracking.drain();
        assert_eq!((dirty.rooms.into_iter().collect::<Vec<_>>(), dirty.all), (vec![room], false));
        assert!(tracking.drain().rooms.is_empty());
    }

    #[test]
    fn all_rooms_are_dirty_after_an_interruption_or_a_flush() {
        let tracking = KeyTracking::new(Keys::new("adda:", 0));
        tracking.on_push(PushInfo { kind: PushKind::Disconnection, data: Vec::new() });
        assert!(tracking.drain().all);
        tracking.on_push(invalidate(vec![Value::Nil]));
        assert!(tracking.drain().all);
        tracking.on_push(PushInfo { kind: PushKind::Message, data: Vec::new() });
        assert!(!tracking.drain().all);
    }
}
