//! Frames about the session itself.

use serde::Serialize;

use crate::model::{ConnectionId, NodeId, Role, Timestamp, UserId, Username};

/// About the session itself.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SessionFrame<'a> {
    /// The first frame of a full session.
    Welcome {
        /// The session.
        connection_id: ConnectionId,
        /// The user that it speaks for.
        #[serde(skip_serializing_if = "Option::is_none")]
        user_id: Option<&'a UserId>,
        /// The name that others see.
        #[serde(skip_serializing_if = "Option::is_none")]
        username: Option<&'a Username>,
        /// The user's role.
        #[serde(skip_serializing_if = "Option::is_none")]
        role: Option<Role>,
        /// The node that it is on.
        node_id: NodeId,
        /// The proof of the user for later sessions, unless the browser keeps it in a cookie.
        #[serde(skip_serializing_if = "Option::is_none")]
        token: Option<&'a str>,
        /// Whether the session has to say who it is, so that there is no user yet.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        auth_required: bool,
        /// Seconds between two pings of the server.
        heartbeat_s: u64,
        /// The limits of the node.
        limits: WelcomeLimits,
        /// Of the browser client's files on this node: another one than a page's own says that the page is old.
        build: &'a str,
        /// The node's clock, for pages whose own is off.
        timestamp: Timestamp,
    },
    /// The session now speaks for this user.
    AuthSuccess {
        /// The user.
        user_id: &'a UserId,
        /// The name that others see.
        username: &'a Username,
        /// The user's role.
        role: Role,
        /// A new token.
        token: &'a str,
    },
    /// The answer to a ping.
    Pong,
}

/// The limits of a node, as in the settings of the same names.
#[derive(Debug, Clone, Copy, Serialize)]
#[allow(missing_docs, reason = "the settings say it")]
pub struct WelcomeLimits {
    pub room_name_chars: usize,
    pub username_chars: usize,
    pub content_chars: usize,
    /// Age in seconds up to which users may change their own messages.
    pub messages_editable_s: u64,
    pub frame_bytes: usize,
    pub rooms_per_session: usize,
    /// Of one file; nothing if the server takes no files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<usize>,
    /// That a user may upload in a day; nothing without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_bytes_per_day: Option<usize>,
}
