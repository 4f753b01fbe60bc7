//! Files of messages.

use super::Chat;
use crate::model::RoomName;

impl Chat {
    /// Removes the files of a message that was deleted.
    pub(super) fn forget_files(&self, _room: &RoomName, _files: &[String]) {}
}
