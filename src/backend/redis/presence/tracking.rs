//! Which rooms' members have changed. Redis remembers what a connection has read, and says once when
//! anybody changes it (`CLIENT TRACKING`): a node, an operator, an eviction, FLUSHALL. So what is compared
//! with Redis is what has changed, and a room that nobody enters or leaves costs nothing.

use std::sync::{Arc, Mutex, MutexGuard};

use redis::aio::{MultiplexedConnection, SendError};
use redis::{PushInfo, PushKind, RedisResult, Value};
use tracing::info;

use crate::backend::Touched;
use crate::backend::redis::client::dialer::{self, Dialer};
use crate::backend::redis::keys::Keys;
use crate::config::Redis as Settings;

/// What the servers have said; a cheap handle.
#[derive(Debug, Clone)]
pub struct Watch {
    keys: Keys,
    touched: Arc<Mutex<Touched>>,
}

impl Watch {
    pub fn new(keys: Keys) -> Self {
        Self { keys, touched: Arc::default() }
    }

    /// Opens a connection that tells of changes of what is read on it.
    pub async fn connect(
        &self,
        dialer: &Dialer,
        settings: &Settings,
        redis: &str,
    ) -> RedisResult<MultiplexedConnection> {
        let watch = self.clone();
        let config = dialer::config(settings).set_push_sender(move |push| {
            watch.hear(push);
            Ok::<_, SendError>(())
        });
        let mut connection = dialer.for_pushes(&config).await?;
        let asked = redis::cmd("CLIENT").arg("TRACKING").arg("ON").exec_async(&mut connection).await;
        if let Err(error) = asked {
            info!(%error, redis, "Redis may not tell of changes; rooms are compared with it now and then only");
        }
        self.lose();
        Ok(connection)
    }

    /// What was said since the last call.
    pub fn take(&self) -> Touched {
        std::mem::take(&mut self.lock())
    }

    /// Nobody tells of what was read before.
    pub fn lose(&self) {
        self.lock().all = true;
    }

    /// Takes what a connection says unasked.
    pub fn hear(&self, push: PushInfo) {
        match (push.kind, push.data.into_iter().next()) {
            (PushKind::Invalidate, Some(Value::Array(keys))) => {
                let rooms = keys.iter().filter_map(|key| match key {
                    Value::BulkString(key) => self.keys.room_of_members(std::str::from_utf8(key).ok()?),
                    _ => None,
                });
                self.lock().rooms.extend(rooms);
            }
            // Without keys: all are gone.
            (PushKind::Invalidate | PushKind::Disconnection, _) => self.lose(),
            _ => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Touched> {
        self.touched.lock().expect("no code panics while it holds this lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RoomName;

    fn invalidate(data: Vec<Value>) -> PushInfo {
        PushInfo { kind: PushKind::Invalidate, data }
    }

    #[test]
    fn a_change_is_told_once_and_what_is_no_rooms_members_not_at_all() {
        let keys = Keys::new("adda:", 0);
        let watch = Watch::new(keys.clone());
        let room = RoomName::from_trusted("আড্ডা {1}");
        let changed = [keys.members(&room), keys.rooms(), "other:{a}:members".into()];
        let changed = changed.into_iter().map(|key| Value::BulkString(key.into_bytes())).collect();
        watch.hear(invalidate(vec![Value::Array(changed)]));
        let touched = watch.take();
        assert_eq!((touched.rooms.into_iter().collect::<Vec<_>>(), touched.all), (vec![room], false));
        assert!(watch.take().rooms.is_empty());
    }

    #[test]
    fn everything_is_suspect_once_nobody_tells_or_all_is_gone() {
        let watch = Watch::new(Keys::new("adda:", 0));
        watch.hear(PushInfo { kind: PushKind::Disconnection, data: Vec::new() });
        assert!(watch.take().all);
        watch.hear(invalidate(vec![Value::Nil]));
        assert!(watch.take().all);
        watch.hear(PushInfo { kind: PushKind::Message, data: Vec::new() });
        assert!(!watch.take().all);
    }
}
