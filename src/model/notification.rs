//! Notifications: words of an admin to one user or to all, in no room.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ScheduleId, Timestamp, UserId};

/// The id of a notification. Lower case letters, digits and hyphens, so that it can stand in a path and in a script's text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String)]
pub struct NotificationId(Arc<str>);

impl NotificationId {
    /// The id of a notification that is being written now.
    pub fn now() -> Self {
        Self(Uuid::now_v7().to_string().into())
    }

    /// The id that a schedule's notification of this time has on any node.
    pub fn of_schedule(schedule: ScheduleId, due_ms: u64) -> Self {
        Self(format!("{schedule}-{due_ms}").into())
    }

    /// Refuses an id that adda could not have given.
    pub fn parse(text: &str) -> Option<Self> {
        let is_taken = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let well_formed = (1..=64).contains(&text.len()) && text.bytes().all(is_taken);
        well_formed.then(|| Self(text.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NotificationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The users that a notification is for. As JSON `"all"`, or the id of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Audience {
    /// Every user.
    All,
    /// One user.
    User(UserId),
}

impl Audience {
    /// Reads `all`, or the id of a user.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "all" { Some(Self::All) } else { UserId::parse(text).map(Self::User) }
    }
}

impl From<Audience> for String {
    fn from(audience: Audience) -> Self {
        match audience {
            Audience::All => "all".to_owned(),
            Audience::User(user) => user.to_string(),
        }
    }
}

impl TryFrom<String> for Audience {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("neither all nor a user's id")
    }
}

/// The words of a notification, and its audience.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Words {
    /// `all`, or the id of the user that it is for.
    #[schema(value_type = String)]
    pub to: Audience,
    /// A line above the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text.
    pub content: String,
}

/// A notification that is not stored yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotification {
    /// Sent once.
    pub id: NotificationId,
    /// The words, and the audience.
    pub words: Words,
    /// How long it is kept for users who have not seen it.
    pub ttl: Duration,
}

/// A notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Its id.
    pub id: NotificationId,
    /// The words, and the audience.
    pub words: Words,
    /// When it was sent, by the backend's clock.
    pub timestamp: Timestamp,
    /// When it ends, by this node's clock.
    pub expires_at: Timestamp,
}

impl Notification {
    /// A notification of this time (ms) that ends in so many milliseconds. `None` if these are no times.
    pub fn ending_in(id: NotificationId, words: Words, sent_ms: u64, left_ms: u64) -> Option<Self> {
        let timestamp = Timestamp::from_unix_millis(sent_ms)?;
        let expires_at = Timestamp::from_unix_millis(Timestamp::now().unix_millis().saturating_add(left_ms))?;
        Some(Self { id, words, timestamp, expires_at })
    }

    /// Time until it ends.
    pub fn left(&self) -> Duration {
        let left = self.expires_at.unix_millis().saturating_sub(Timestamp::now().unix_millis());
        Duration::from_millis(left)
    }

    /// Bytes that it holds beside its own.
    pub fn size(&self) -> usize {
        let title = self.words.title.as_ref().map_or(0, String::len);
        self.id.as_str().len() + title + self.words.content.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_word_of_a_path() {
        let schedule = ScheduleId(Uuid::nil());
        for id in [NotificationId::now(), NotificationId::of_schedule(schedule, u64::MAX)] {
            assert_eq!(NotificationId::parse(id.as_str()), Some(id));
        }
        for foreign in ["", "A", "a b", "a'", "\n", &"a".repeat(65)] {
            assert_eq!(NotificationId::parse(foreign), None, "{foreign:?}");
        }
    }

    #[test]
    fn an_audience_is_one_word_of_json() {
        for text in [r#""all""#, r#""রহিম""#] {
            let audience: Audience = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&audience).unwrap(), text);
        }
        assert_eq!(serde_json::from_str::<Audience>(r#""all""#).unwrap(), Audience::All);
        assert!(serde_json::from_str::<Audience>(r#""a b""#).is_err());
    }
}
