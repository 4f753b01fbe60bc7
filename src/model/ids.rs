//! Ids, each a type of its own so that two of them can't be swapped.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String, format = "uuid")]
        pub struct $name(pub Uuid);

        impl $name {
            /// Reads the hyphenated or the plain hexadecimal form.
            pub fn parse(text: &str) -> Option<Self> {
                Uuid::try_parse(text).ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

uuid_id! {
    /// One run of one node. A restarted process is another node: a reused name would revive its
    /// predecessor's sessions.
    NodeId
}

uuid_id! {
    /// One WebSocket connection.
    ConnectionId
}

uuid_id! {
    /// A message or a notice. Version 7 for messages, so ids sort roughly by time; the order of a
    /// room is `seq`, never this.
    MessageId
}

uuid_id! {
    /// An uploaded file, and the only name that its bytes are stored under.
    FileId
}

impl FileId {
    /// The id of a file that is about to be uploaded.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

uuid_id! {
    /// A schedule.
    ScheduleId
}

impl ScheduleId {
    /// A new schedule.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl NodeId {
    /// A new identity for this run of the process.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl ConnectionId {
    /// A new identity for a connection that was just accepted.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl MessageId {
    /// The id of a message that is being written now.
    pub fn now() -> Self {
        Self(Uuid::now_v7())
    }
}

/// The user of a session: a UUID for a guest, the account's id otherwise. Never holds white
/// space, so it can stand as one word in a Redis value.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String)]
pub struct UserId(Arc<str>);

impl UserId {
    /// The user that no token proves: the author of messages that no user has written. Its name is the same.
    pub const SYSTEM: &str = "adda";

    /// A new guest.
    pub fn guest() -> Self {
        Self(Uuid::new_v4().to_string().into())
    }

    /// The user of a new account.
    pub fn account() -> Self {
        Self::guest()
    }

    /// The user of messages that no user has written.
    pub fn system() -> Self {
        Self(Self::SYSTEM.into())
    }

    /// Takes an id from data that adda wrote; refuses one that adda could not have written.
    pub fn parse(text: &str) -> Option<Self> {
        let well_formed = !text.is_empty()
            && text.len() <= 64
            && !text.contains(|c: char| c.is_whitespace() || c.is_control());
        well_formed.then(|| Self(text.into()))
    }

    /// Whether this is the user of messages that no user has written.
    pub fn is_system(&self) -> bool {
        self.as_str() == Self::SYSTEM
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
