//! Files that belong to messages.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A file, as the messages that it belongs to show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileInfo {
    /// Given by the server.
    pub id: String,
    /// As its user named it.
    pub name: String,
    /// The media type, by its bytes.
    pub r#type: String,
    /// In bytes.
    pub size: u64,
    /// Of an image, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Of an image, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Where it is downloaded.
    pub url: String,
}
