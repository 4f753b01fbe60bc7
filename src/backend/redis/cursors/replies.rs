//! The replies of the scripts of cursors.

use redis::{FromRedisValue, ParsingError, Value, from_redis_value};
use serde::Deserialize;

use crate::backend::LastText;

/// The reply of `advance.lua`.
#[derive(Debug)]
pub struct Advance {
    pub is_moved: bool,
    /// `None` without a cursor.
    pub place: Option<u64>,
}

/// The reply of `unread.lua`.
#[derive(Debug)]
pub struct Count {
    pub head: u64,
    /// `None` without a cursor.
    pub cursor: Option<u64>,
    pub texts: u64,
    pub mentions: u64,
    /// The last number that the call looked at.
    pub reached: u64,
    /// The newest text; only the first call of a room looks for it.
    pub last: Option<LastText>,
}

/// The fields of [`LastText`].
#[derive(Deserialize)]
struct Stored {
    username: String,
    content: String,
    timestamp: String,
}

impl FromRedisValue for Advance {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let (is_moved, place): (bool, String) = from_redis_value(value)?;
        Ok(Self { is_moved, place: place.parse().ok() })
    }
}

impl FromRedisValue for Count {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let (head, cursor, texts, mentions, reached, last): (u64, String, u64, u64, u64, Vec<u8>) =
            from_redis_value(value)?;
        let last: Option<Stored> = serde_json::from_slice(&last).ok();
        let last =
            last.map(|Stored { username, content, timestamp }| LastText { username, content, timestamp });
        Ok(Self { head, cursor: cursor.parse().ok(), texts, mentions, reached, last })
    }
}
