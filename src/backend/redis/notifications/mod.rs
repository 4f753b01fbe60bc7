//! Notifications: a hash for each user in the slot of the user's channel, and one for those to all users in the slot of the
//! channel of all nodes. So a script stores and publishes in one step.

mod record;

use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, FuturesUnordered};
use redis::Value;

use self::record::Fields;
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::role::Role as Connection;
use crate::backend::redis::client::script::{Memory, Script, TYPES};
use crate::backend::redis::client::server::{parsed, parsed_if_ours};
use crate::backend::redis::keys::Keys;
use crate::backend::redis::presence::CLOCK;
use crate::backend::redis::pubsub::codec::{PUBLISH, seen_text};
use crate::backend::redis::topology::pooled::PooledCalls;
use crate::backend::{
    Broadcast, Channel, Notifications, Result, Seen, SeenBroadcast, Sent, UserNotifications,
};
use crate::config::Config;
use crate::model::{Audience, NewNotification, NotificationId, UserId};
use crate::telemetry::{Unreadable, count_unreadable};

const RECORDS: &str = include_str!("records.lua");

/// Reads for sessions that come back: many at a time, which must not wait behind REST.
const LOOKS: Connection = Connection::Ordered("notifications");

/// Time for which a user's mark outlives a notification to all, as nodes' clocks differ.
const MARK_SPARE: Duration = Duration::from_secs(60);

static SEND: Script = Script::new(Memory::Grows, &[TYPES, CLOCK, PUBLISH, RECORDS, include_str!("send.lua")]);

static SEND_ALL: Script =
    Script::new(Memory::Grows, &[TYPES, CLOCK, PUBLISH, RECORDS, include_str!("send_all.lua")]);

/// Frees more than it takes.
static SEE: Script = Script::new(Memory::Spares, &[TYPES, CLOCK, PUBLISH, RECORDS, include_str!("see.lua")]);

static WITHDRAW: Script = Script::new(Memory::Spares, &[TYPES, CLOCK, PUBLISH, include_str!("withdraw.lua")]);

static READ: Script = Script::new(Memory::Untouched, &[CLOCK, include_str!("read.lua")]);

/// The scripts of this folder.
pub(super) const SCRIPTS: &[&Script] = &[&SEND, &SEND_ALL, &SEE, &WITHDRAW, &READ];

/// Notifications in Redis.
#[derive(Debug)]
pub struct RedisNotifications {
    keys: Keys,
    calls: PooledCalls,
    kept: usize,
    kept_bytes: usize,
}

impl RedisNotifications {
    pub fn new(keys: Keys, calls: PooledCalls, config: &Config) -> Self {
        let (kept, kept_bytes) = (config.notifications.kept, config.notification_bytes());
        Self { keys, calls, kept, kept_bytes }
    }

    fn see_call(&self, user: &UserId, id: &NotificationId, broadcast: Option<&SeenBroadcast>) -> Call {
        let call = Call::new(&SEE, [self.keys.notifications(user)])
            .arg(self.keys.bus(&Channel::User(user.clone())))
            .arg(id)
            .arg(seen_text(id))
            .arg(self.kept)
            .arg(self.kept_bytes);
        let Some(SeenBroadcast { number, newest, left }) = broadcast else { return call };
        call.arg((*left + MARK_SPARE).as_millis()).arg(number).arg(newest.saturating_sub(self.kept as u64))
    }

    async fn of_users_of_part(&self, users: Vec<UserId>) -> Vec<(UserId, Result<UserNotifications>)> {
        let found = self.of_users(&users).await;
        users.into_iter().zip(found).collect()
    }

    /// The user of a notification to one user.
    async fn recipient(&self, id: &NotificationId) -> Result<Option<UserId>> {
        let call = Call::plain("GET", self.keys.notification(id));
        let user: Option<Vec<u8>> = parsed_if_ours(self.calls.call(call).await)?;
        Ok(user.and_then(|user| UserId::parse(std::str::from_utf8(&user).ok()?)))
    }
}

#[async_trait]
impl Notifications for RedisNotifications {
    async fn send(&self, NewNotification { id, words, ttl }: &NewNotification) -> Result<Sent> {
        let json = serde_json::to_string(words).expect("texts are JSON");
        let (script, key, channel) = match &words.to {
            Audience::All => (&SEND_ALL, self.keys.broadcasts(), Channel::Control),
            Audience::User(user) => {
                // First, so that what is stored can be taken back.
                let call = Call::plain("SET", self.keys.notification(id)).arg(user);
                self.calls.call(call.arg("PX").arg(ttl.as_millis())).await?;
                (&SEND, self.keys.notifications(user), Channel::User(user.clone()))
            }
        };
        let call = Call::new(script, [key])
            .arg(self.keys.bus(&channel))
            .arg(id)
            .arg(ttl.as_millis())
            .arg(json)
            .arg(self.kept)
            .arg(self.kept_bytes);
        let reply = self.calls.call(call).await?;
        if words.to == Audience::All {
            return Ok(if parsed::<u8>(reply)? == 0 { Sent::Before } else { Sent::Published });
        }
        Ok(match parsed::<Vec<u64>>(reply)?.as_slice() {
            [0, ..] | [] => Sent::Before,
            [_, 0] => Sent::NoSubscriber,
            _ => Sent::Published,
        })
    }

    async fn to_all(&self) -> Result<Vec<Broadcast>> {
        let (found, unreadable) =
            fields(self.calls.call(Call::new(&READ, [self.keys.broadcasts()])).await)?.broadcasts();
        count_unreadable(Unreadable::Notification, unreadable);
        Ok(found)
    }

    async fn of_users(&self, users: &[UserId]) -> Vec<Result<UserNotifications>> {
        let call = |user: &UserId| Call::new(&READ, [self.keys.notifications(user)]);
        let calls: Vec<Call> = users.iter().map(call).collect();
        let values = self.calls.shards.call_all(&LOOKS, &calls).await;
        let read = |value| {
            let (kept, unreadable) = fields(value)?.of_user();
            count_unreadable(Unreadable::Notification, unreadable);
            Ok(kept)
        };
        values.into_iter().map(read).collect()
    }

    fn of_users_by_part(
        &self,
        users: Vec<UserId>,
    ) -> BoxStream<'_, Vec<(UserId, Result<UserNotifications>)>> {
        let by_server = self.calls.shards.by_server(users, |user| self.keys.notifications(user));
        let reads: FuturesUnordered<_> =
            by_server.into_iter().map(|users| self.of_users_of_part(users)).collect();
        reads.boxed()
    }

    async fn see(
        &self,
        user: &UserId,
        id: &NotificationId,
        broadcast: Option<&SeenBroadcast>,
    ) -> Result<Seen> {
        Ok(match parsed::<u8>(self.calls.call(self.see_call(user, id, broadcast)).await?)? {
            0 => Seen::Unknown,
            1 => Seen::Before,
            _ => Seen::Now,
        })
    }

    async fn take_back(&self, id: &NotificationId) -> Result<Option<Audience>> {
        let channel = self.keys.bus(&Channel::Control);
        let call = Call::new(&WITHDRAW, [self.keys.broadcasts()]).arg(channel).arg(id);
        if parsed::<u8>(self.calls.call(call).await?)? == 1 {
            return Ok(Some(Audience::All));
        }
        let Some(user) = self.recipient(id).await? else { return Ok(None) };
        let seen = self.see(&user, id, None).await?;
        Ok((seen == Seen::Now).then_some(Audience::User(user)))
    }
}

/// Reads the reply of `read.lua`.
fn fields(value: Result<Value>) -> Result<Fields> {
    let (now, fields): (String, Vec<Vec<u8>>) = parsed_if_ours(value)?;
    Ok(Fields { now_ms: now.parse().unwrap_or(0), fields })
}
