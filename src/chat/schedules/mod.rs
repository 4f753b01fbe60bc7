//! Schedules: making, listing and removing them. `firing.rs` says their words when they are due.

mod firing;

use std::time::Duration;

use tracing::debug;

use self::firing::message_text;
use super::notifications::checked_title;
use super::{Action, Admin, Chat, Principal};
use crate::backend::{Addition, AuditAction, AuditRecord, Planned};
use crate::model::{Schedule, ScheduleId, Target, Timing};
use crate::protocol::{ErrorCode, Rejection};

/// Shortest period.
const SHORTEST: Duration = Duration::from_secs(1);

/// Longest period.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

impl Chat {
    /// Makes a schedule.
    ///
    /// # Errors
    /// `forbidden`; `room_not_found`; `bad_content`, `content_too_long` and `bad_request` for what it says; `unavailable`: it may
    /// have been made.
    pub async fn add_schedule(&self, by: Admin<'_>, schedule: Schedule) -> Result<ScheduleId, Rejection> {
        if matches!(schedule.timing, Timing::Every(every) if !(SHORTEST..=LONGEST).contains(&every)) {
            let sentence = format!("every_s must be from {} to {}", SHORTEST.as_secs(), LONGEST.as_secs());
            return Err(Rejection::new(ErrorCode::BadRequest, sentence));
        }
        if let Target::Room(room) = &schedule.to {
            self.check_access(Principal::User(&by), Action::Join, room).await?;
        }
        let title = checked_title(schedule.title)?;
        let schedule = Schedule { title, content: self.content(schedule.content)?, ..schedule };
        if let Target::Room(_) = &schedule.to {
            // A text that is too long would be refused each time that it is due.
            self.content(message_text(&schedule))?;
        }
        let (user_id, room_id) = match &schedule.to {
            Target::All => (Some("all".to_owned()), None),
            Target::User(user) => (Some(user.to_string()), None),
            Target::Room(room) => (None, Some(room.to_string())),
        };
        let id = Some(schedule.id.to_string());
        let record = AuditRecord { user_id, room_id, id, ..AuditRecord::of(&by, AuditAction::Schedule) };
        let (chat, id) = (self.clone(), schedule.id);
        let adding = async move {
            added(chat.inner.backend.schedules.add(&schedule).await?)?;
            chat.inner.next_schedule.notify_one();
            if let Err(error) = chat.inner.backend.tell_scheduled().await {
                // The other nodes look for due schedules anyway.
                debug!(error = %error.root_cause(), "could not tell the nodes of a schedule");
            }
            Ok(id)
        };
        self.recorded(record, adding).await
    }

    /// All schedules, by the time at which each is due next.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn schedules(&self, _by: Admin<'_>) -> Result<Vec<Planned>, Rejection> {
        Ok(self.inner.backend.schedules.list().await?)
    }

    /// Removes a schedule.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn remove_schedule(&self, by: Admin<'_>, id: ScheduleId) -> Result<(), Rejection> {
        let record =
            AuditRecord { id: Some(id.to_string()), ..AuditRecord::of(&by, AuditAction::RemoveSchedule) };
        let chat = self.clone();
        let removing = async move {
            match chat.inner.backend.schedules.remove(id).await? {
                true => Ok(()),
                false => Err(Rejection::new(ErrorCode::NotFound, "There is no such schedule")),
            }
        };
        self.recorded(record, removing).await
    }
}

fn added(addition: Addition) -> Result<(), Rejection> {
    let sentence = match addition {
        Addition::Added => return Ok(()),
        Addition::TooMany => "There are as many schedules as there may be; remove one first",
        Addition::Past => "at must be in the future",
    };
    Err(Rejection::new(ErrorCode::BadRequest, sentence))
}
