//! Schedules: words that are said again and again, or once at a later time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{RoomName, Timestamp, UserId};

pub use super::ids::ScheduleId;

/// Where a schedule's words go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A notification to every user.
    All,
    /// A notification to one user.
    User(UserId),
    /// A message in a room.
    Room(RoomName),
}

/// When a schedule is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// Again and again; the first time one period after it was made. Whole milliseconds.
    Every(Duration),
    /// Once, by the backend's clock.
    At(Timestamp),
}

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// Where its words go.
    pub to: Target,
    /// A line above the content of a notification.
    pub title: Option<String>,
    /// The text.
    pub content: String,
    /// When it is due.
    pub timing: Timing,
}

/// A time at which a schedule was due, to be fired by the node that has claimed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// The schedule.
    pub schedule: Schedule,
    /// The time, in milliseconds. No two times of a schedule are the same.
    pub due_ms: u64,
    /// How long ago it was.
    pub late: Duration,
}

/// A schedule as it is stored: its words and its target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredSchedule {
    to: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    content: String,
}

impl StoredSchedule {
    /// The stored part of a schedule besides its times.
    pub(crate) fn new(schedule: &Schedule) -> Self {
        let (to, name) = match &schedule.to {
            Target::All => ("all", None),
            Target::User(user) => ("user", Some(user.to_string())),
            Target::Room(room) => ("room", Some(room.to_string())),
        };
        Self { to: to.to_owned(), name, title: schedule.title.clone(), content: schedule.content.clone() }
    }

    /// The schedule; `None` if this version can't read it.
    pub(crate) fn read(self, id: ScheduleId, timing: Timing) -> Option<Schedule> {
        let to = match (self.to.as_str(), self.name) {
            ("all", None) => Target::All,
            ("user", Some(user)) => Target::User(UserId::parse(&user)?),
            ("room", Some(room)) => Target::Room(RoomName::from_trusted(&room)),
            _ => return None,
        };
        Some(Schedule { id, to, title: self.title, content: self.content, timing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_read_as_it_was_stored() {
        let room = RoomName::from_trusted("a room {x}");
        for to in [Target::All, Target::User(UserId::guest()), Target::Room(room)] {
            let schedule = Schedule {
                id: ScheduleId::random(),
                to,
                title: Some("\"শিরোনাম\"".to_owned()),
                content: "হ্যালো\n".to_owned(),
                timing: Timing::Every(Duration::from_secs(1)),
            };
            let json = serde_json::to_string(&StoredSchedule::new(&schedule)).unwrap();
            let stored: StoredSchedule = serde_json::from_str(&json).unwrap();
            assert_eq!(stored.read(schedule.id, schedule.timing), Some(schedule));
        }
    }
}
