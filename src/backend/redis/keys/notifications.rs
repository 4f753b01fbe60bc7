//! The keys of notifications and schedules.

use super::{Keys, Tag};
use crate::model::{NotificationId, UserId};

impl Keys {
    /// Hash: the user's notifications, and marks of those that it has seen (`notifications/records.lua`), in the slot of its
    /// channel. Until the last of them ends.
    pub fn notifications(&self, user: &UserId) -> String {
        format!("{}user:{{{}}}:notifications", self.prefix, Tag(user.as_str()))
    }

    /// Hash: the notifications to all users, and the number of the newest, in the slot of the channel of all nodes. Until
    /// the last of them ends.
    pub fn broadcasts(&self) -> String {
        format!("{}{{{}control}}:notifications", self.prefix, self.prefix)
    }

    /// String: the user of a notification to one user. As long as that.
    pub fn notification(&self, id: &NotificationId) -> String {
        format!("{}notification:{id}", self.prefix)
    }

    /// Hash: each schedule's times and its words, `<period, ms> <next, ms> <waiting>@<end of its claim> …\n<JSON>`.
    pub fn schedules(&self) -> String {
        self.of_nodes("schedules")
    }

    /// Sorted set: the schedules by the time at which there is something to claim, ms of the cluster's clock.
    pub fn due_schedules(&self) -> String {
        self.of_nodes("schedules:due")
    }
}
