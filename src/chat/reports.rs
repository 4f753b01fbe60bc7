//! Reports: a user that may read a room points out a message or a user in it to moderators, and in a private room to its owner.
//! A report of a message shows that message to them, also one of a private room. Nobody is shown reports about itself.

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tracing::{debug, warn};

use super::completion::Completion;
use super::{Action, Chat, Identity, Principal, RoomAccess};
use crate::backend::{
    AuditAction, AuditPosition, AuditRecord, Filed, ReportRecord, ReportedMessage, ReportedUser, RoomRecord,
    Span,
};
use crate::model::characters::has_visible;
use crate::model::{EntryKind, LoggedMessage, Role, RoomName, UserEvent, UserId, Username};
use crate::protocol::{ErrorCode, Rejection};

/// Characters of a reason, at most.
const REASON_CHARS: usize = 500;

/// Reports that are read together.
const BATCH: usize = 100;

/// Sessions in a room that are read together.
const MEMBERS: usize = 1000;

/// Messages that are looked up at once.
const LOOKUPS: usize = 8;

/// Something that is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reported {
    /// A message, by its number.
    Message(u64),
    /// A user.
    User(UserId),
}

/// A report, with what is to be known now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its id.
    pub id: AuditPosition,
    /// The report.
    pub record: ReportRecord,
    /// The message as it is now; `None` if it has left the log, or the report is about a user. Without what others have added to
    /// it if the reader of the report may not read the room.
    pub message: Option<LoggedMessage>,
}

/// The fields of a message that a report keeps.
#[derive(Deserialize)]
struct Author {
    id: String,
    user_id: UserId,
    username: String,
}

impl Chat {
    /// Reports a message or a user. A second report of the same user about the same changes nothing.
    ///
    /// # Errors
    /// `bad_request` for a reason that is none, and about oneself; `message_not_found`; `not_found` for a user that nobody knows;
    /// `unavailable`.
    pub async fn report(
        &self,
        by: &Identity,
        access: &RoomAccess,
        reported: &Reported,
        reason: &str,
    ) -> Result<AuditPosition, Rejection> {
        let reason = checked_reason(reason)?;
        let room = access.room();
        let (user, message) = match reported {
            Reported::Message(seq) => {
                let found = self.message_at(access.clone(), *seq).await?;
                let found = found.filter(|message| message.kind == EntryKind::Text);
                let author = found.as_ref().and_then(|message| serde_json::from_slice(&message.json).ok());
                let Author { id, user_id, username } = author.ok_or_else(message_not_found)?;
                let user = ReportedUser { user_id: user_id.to_string(), username: Some(username) };
                (user, Some(ReportedMessage { seq: *seq, id }))
            }
            Reported::User(user) if *user == by.author.user_id => return Err(about_oneself()),
            Reported::User(user) => {
                let username = Some(self.reportable_user(access, user).await?.to_string());
                (ReportedUser { user_id: user.to_string(), username }, None)
            }
        };
        if user.user_id == by.author.user_id.as_str() {
            return Err(about_oneself());
        }
        let author = &by.author;
        let by =
            ReportedUser { user_id: author.user_id.to_string(), username: Some(author.username.to_string()) };
        let report = ReportRecord { by, room_id: room.to_string(), user, message, reason };
        let filed = self.inner.backend.reports.file_report(&report).await?;
        if let Filed::New(_) = filed {
            self.tell_reported(room, &report).await;
        }
        Ok(filed.id())
    }

    /// The reports about a room that the caller moderates, or about all, the newest first; at most `limit`. The owner of a room is
    /// not told who reports.
    ///
    /// # Errors
    /// `forbidden` without a room for those who are no moderators; `unavailable`.
    pub async fn reports(
        &self,
        by: &Identity,
        access: Option<&RoomAccess>,
        before: Option<AuditPosition>,
        limit: usize,
    ) -> Result<(Vec<Report>, Option<AuditPosition>), Rejection> {
        if access.is_none() {
            by.everywhere(Role::Moderator)?;
        }
        let _slot = self.inner.reads.slot()?;
        let room = access.map(|access| access.room().as_str());
        let concerns = |report: &ReportRecord| {
            room.is_none_or(|room| report.room_id == room)
                && report.user.user_id != by.author.user_id.as_str()
        };
        let (mut found, mut place, mut next) = (Vec::new(), before, None);
        while found.len() < limit {
            let page = self.inner.backend.reports.reports(place, BATCH).await?;
            let mut reports = page.reports.into_iter().filter(|(_, report)| concerns(report));
            found.extend(reports.by_ref().take(limit - found.len()));
            if reports.next().is_some() {
                next = found.last().map(|(id, _)| *id);
            }
            place = page.next;
            if place.is_none() {
                break;
            }
        }
        if next.is_none() && found.len() == limit {
            next = place.and(found.last().map(|(id, _)| *id));
        }
        let reports = stream::iter(found).map(|(id, record)| self.with_message(by, id, record));
        let reports: Vec<_> = reports.buffered(LOOKUPS).collect().await;
        Ok((reports.into_iter().collect::<Result<Vec<Report>, Rejection>>()?, next))
    }

    /// Settles a report: it is kept no longer. Moderators may, and the owner of its room. To a user that is not in the room of the
    /// report, and to one whose token does not admit to it, each id is as one that never was: after the same work, whether the
    /// storage of that room answers or not.
    ///
    /// # Errors
    /// `forbidden`, also for a report about the caller; `not_found`; `unavailable`.
    pub async fn settle_report(&self, by: &Identity, id: AuditPosition) -> Result<(), Rejection> {
        let report = self.inner.backend.reports.report(id).await?;
        let report = report.filter(|report| by.scope.admits(&RoomName::from_trusted(&report.room_id)));
        let is_moderator = by.role >= Role::Moderator;
        let is_owner = !is_moderator && self.owns_room_of(by, report.as_ref()).await?;
        if !is_moderator && !is_owner {
            return by.at_least(Role::Moderator);
        }
        let report = report.ok_or_else(|| {
            Rejection::new(ErrorCode::NotFound, "There is no such report, or it is settled")
        })?;
        if report.user.user_id == by.author.user_id.as_str() {
            return Err(Rejection::new(ErrorCode::Forbidden, "Nobody settles a report about itself"));
        }
        let chat = self.clone();
        let settling = async move {
            chat.inner.backend.reports.settle_report(id).await?;
            chat.tell_moderators().await;
            Ok(())
        };
        if is_owner {
            return Completion::new(&self.inner.supervisor, "settled-report", settling).await;
        }
        let record = AuditRecord {
            user_id: Some(report.user.user_id),
            room_id: Some(report.room_id),
            id: Some(id.to_string()),
            ..AuditRecord::of(by, AuditAction::SettleReport)
        };
        self.recorded(record, settling).await
    }

    /// The name of a user that may be reported in a room: one that others may name, or that is in the room.
    async fn reportable_user(&self, access: &RoomAccess, user: &UserId) -> Result<Username, Rejection> {
        let unknown = match self.known_user(user).await {
            Ok(known) => return Ok(known.username),
            Err(rejection) if rejection.code == ErrorCode::NotFound => rejection,
            Err(rejection) => return Err(rejection),
        };
        let mut after = None;
        loop {
            let page = self.members(access.clone(), after, MEMBERS).await?;
            if let Some(member) = page.members.iter().find(|member| member.user_id == *user) {
                return Ok(member.username.clone());
            }
            after = page.next;
            if after.is_none() {
                return Err(unknown);
            }
        }
    }

    /// Whether a user owns the private room of a report. Only a room on the user's own list is asked for.
    async fn owns_room_of(&self, by: &Identity, report: Option<&ReportRecord>) -> Result<bool, Rejection> {
        let user = &by.author.user_id;
        let listed = self.inner.backend.rooms.listed(user).await?;
        let room = report.and_then(|report| RoomName::parse_private(&report.room_id));
        match room.filter(|room| by.scope.admits(room) && listed.contains(room)) {
            Some(room) => Ok(self.owner_of(&room).await?.as_ref() == Some(user)),
            None => Ok(false),
        }
    }

    async fn with_message(
        &self,
        by: &Identity,
        id: AuditPosition,
        record: ReportRecord,
    ) -> Result<Report, Rejection> {
        let Some(reported) = record.message.clone() else {
            return Ok(Report { id, record, message: None });
        };
        let room = RoomName::from_trusted(&record.room_id);
        let found = self.message_at(self.access_to_reported(room.clone()), reported.seq).await?;
        let is_same = |message: &LoggedMessage| {
            serde_json::from_slice::<Author>(&message.json).is_ok_and(|author| author.id == reported.id)
        };
        let Some(mut message) = found.filter(is_same) else {
            return Ok(Report { id, record, message: None });
        };
        match self.check_access(Principal::User(by), Action::Read, &room).await {
            Ok(_) => {}
            Err(rejection) if rejection.code == ErrorCode::RoomNotFound => {
                message.json = reported_alone(&message.json)?;
            }
            Err(rejection) => return Err(rejection),
        }
        Ok(Report { id, record, message: Some(message) })
    }

    /// The message of a number, as it is now.
    pub(super) async fn message_at(
        &self,
        access: RoomAccess,
        seq: u64,
    ) -> Result<Option<LoggedMessage>, Rejection> {
        let Some(before) = seq.checked_sub(1) else { return Ok(None) };
        let room = access.room().clone();
        let page = self.inner.backend.log.peek(&room, Span::Above(before), 1).await?;
        self.recheck_access(&access).await?;
        Ok(page.messages.into_iter().find(|message| message.seq == seq))
    }

    async fn owner_of(&self, room: &RoomName) -> Result<Option<UserId>, Rejection> {
        let record = self.inner.backend.rooms.records(std::slice::from_ref(room)).await.pop();
        let record: Option<RoomRecord> = record.transpose()?.flatten();
        Ok(record.and_then(|record| record.owner))
    }

    /// Tells those who may read a report that there is one. Those who are away find it in the list.
    async fn tell_reported(&self, room: &RoomName, report: &ReportRecord) {
        self.tell_moderators().await;
        if !room.is_private() {
            return;
        }
        let owner = self.owner_of(room).await.ok().flatten();
        if let Some(owner) = owner.filter(|owner| owner.as_str() != report.user.user_id)
            && let Err(error) = self.inner.backend.tell_user(&owner, UserEvent::ReportsChanged).await
        {
            debug!(error = %error.root_cause(), "could not tell an owner of a report");
        }
    }

    async fn tell_moderators(&self) {
        if let Err(error) = self.inner.backend.tell_reported().await {
            debug!(error = %error.root_cause(), "could not tell moderators of a report");
        }
    }
}

/// A message without what its author did not write: of the message that it replies to its number alone, and no reactions.
fn reported_alone(json: &[u8]) -> Result<Bytes, Rejection> {
    let reduced = serde_json::from_slice::<Map<String, Value>>(json).and_then(|mut message| {
        message.remove("reactions");
        if let Some(quoted) = message.get_mut("reply_to") {
            *quoted = json!({ "seq": quoted["seq"] });
        }
        serde_json::to_vec(&message)
    });
    reduced.map(Bytes::from).map_err(|error| {
        warn!(%error, "a reported message can't be read");
        Rejection::new(ErrorCode::Internal, "The server could not read a reported message")
    })
}

fn checked_reason(reason: &str) -> Result<String, Rejection> {
    let reason = reason.trim();
    let is_control = |c: char| c.is_control() && c != '\n';
    if reason.chars().count() > REASON_CHARS || reason.chars().any(is_control) || !has_visible(reason) {
        let sentence = format!("reason must be at most {REASON_CHARS} characters with something to see");
        return Err(Rejection::new(ErrorCode::BadRequest, sentence));
    }
    Ok(reason.to_owned())
}

fn about_oneself() -> Rejection {
    Rejection::new(ErrorCode::BadRequest, "Nobody reports itself")
}

fn message_not_found() -> Rejection {
    Rejection::new(ErrorCode::MessageNotFound, "The room has no such message, or it was deleted")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_alone_has_its_own_words_and_none_of_others() {
        let message = json!({
            "content": "yes", "mentions": ["a"], "files": [], "edited_at": "now", "changed": 5,
            "reply_to": { "seq": 3, "user_id": "a", "username": "A", "content": "a secret" },
            "reactions": { "👍": { "count": 1, "users": ["b"] } },
        });
        let alone = reported_alone(message.to_string().as_bytes()).unwrap();
        let expected = json!({
            "content": "yes", "mentions": ["a"], "files": [], "edited_at": "now", "changed": 5,
            "reply_to": { "seq": 3 },
        });
        assert_eq!(serde_json::from_slice::<Value>(&alone).unwrap(), expected);
        let plain = br#"{"content":"x"}"#;
        assert_eq!(reported_alone(plain).unwrap(), &plain[..]);
    }

    #[test]
    fn a_reason_has_something_to_see_and_a_bound() {
        assert_eq!(checked_reason("  স্প্যাম\nআবার ").as_deref(), Ok("স্প্যাম\nআবার"));
        assert!(checked_reason(&"x".repeat(REASON_CHARS)).is_ok());
        for reason in ["", " \u{200b}", "a\u{0}", &"x".repeat(REASON_CHARS + 1)] {
            assert_eq!(checked_reason(reason).unwrap_err().code, ErrorCode::BadRequest, "{reason:?}");
        }
    }
}
