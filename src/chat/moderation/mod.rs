//! The acts of moderators and admins: remove, mute and ban users, lock rooms, give roles. Each act is recorded before it is done, and
//! recorded as failed if it could not be done; so a crash leaves a record without its act at worst, never an act without one.

use std::time::Duration;

use tracing::{info, warn};

use super::completion::Completion;
use super::{Admin, Chat, Identity, RoomAccess};
use crate::backend::{
    AuditAction, AuditEntry, AuditPage, AuditPosition, AuditRecord, AuditUser, BanPage, RoomRules,
    RulesChange, StandingChange,
};
use crate::model::{Role, RoomName, UserId};
use crate::protocol::{ErrorCode, Rejection};

/// Characters of a reason, at most.
const REASON_CHARS: usize = 200;

/// A mute lasts so long at most.
pub const LONGEST_MUTE: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// A ban that is not for good lasts so long at most.
pub const LONGEST_BAN: Duration = Duration::from_secs(3660 * 24 * 60 * 60);

impl Chat {
    /// Removes the sessions that a user has in a room.
    ///
    /// # Errors
    /// `forbidden` against a user of the same or a higher role; `unavailable`. So do all functions here.
    pub async fn kick(&self, by: &Identity, access: RoomAccess, user: &UserId) -> Result<(), Rejection> {
        self.change_rules(by, access, RulesChange::Kick(user.clone())).await
    }

    /// Keeps a user from speaking in a room for a time.
    pub async fn mute(
        &self,
        by: &Identity,
        access: RoomAccess,
        user: &UserId,
        lasts: Duration,
    ) -> Result<(), Rejection> {
        check_duration(lasts, LONGEST_MUTE)?;
        self.change_rules(by, access, RulesChange::Mute(user.clone(), lasts)).await
    }

    /// Lets a user speak again.
    pub async fn unmute(&self, by: &Identity, access: RoomAccess, user: &UserId) -> Result<(), Rejection> {
        self.change_rules(by, access, RulesChange::Unmute(user.clone())).await
    }

    /// Lets nobody but moderators speak in a room.
    pub async fn lock(&self, by: &Identity, access: RoomAccess) -> Result<(), Rejection> {
        self.change_rules(by, access, RulesChange::Lock).await
    }

    /// Lets everybody speak in a room again.
    pub async fn unlock(&self, by: &Identity, access: RoomAccess) -> Result<(), Rejection> {
        self.change_rules(by, access, RulesChange::Unlock).await
    }

    /// Ends a user's sessions and refuses new ones, for a time or for good.
    pub async fn ban(
        &self,
        by: Admin<'_>,
        user: &UserId,
        lasts: Option<Duration>,
        reason: Option<String>,
    ) -> Result<(), Rejection> {
        lasts.map_or(Ok(()), |lasts| check_duration(lasts, LONGEST_BAN))?;
        let reason =
            reason.map(|reason| checked_reason(&reason)).transpose()?.filter(|text| !text.is_empty());
        self.check_rank(&by, user).await?;
        let record = AuditRecord {
            user_id: Some(user.to_string()),
            for_s: lasts.map(|lasts| lasts.as_secs()),
            reason: reason.clone(),
            ..AuditRecord::of(&by, AuditAction::Ban)
        };
        self.recorded(record, self.clone().set_standing(user.clone(), StandingChange::Ban { lasts, reason }))
            .await
    }

    /// Lifts a ban.
    pub async fn unban(&self, by: Admin<'_>, user: &UserId) -> Result<(), Rejection> {
        self.check_rank(&by, user).await?;
        let record =
            AuditRecord { user_id: Some(user.to_string()), ..AuditRecord::of(&by, AuditAction::Unban) };
        self.recorded(record, self.clone().set_standing(user.clone(), StandingChange::Unban)).await
    }

    /// Gives a user with an account a role. An admin may give up its own, unless it is the last one.
    ///
    /// # Errors
    /// `not_found` without an account.
    pub async fn give_role(&self, by: Admin<'_>, user: &UserId, role: Role) -> Result<(), Rejection> {
        if role == Role::Guest {
            return Err(Rejection::new(ErrorCode::BadRequest, "An account is a member at least"));
        }
        if self.inner.backend.accounts.by_id(user).await?.is_none() {
            return Err(Rejection::new(ErrorCode::NotFound, "No account has this user_id"));
        }
        let is_own = *user == by.author.user_id;
        if !is_own {
            self.check_rank(&by, user).await?;
        }
        let record = AuditRecord {
            user_id: Some(user.to_string()),
            role: Some(role),
            ..AuditRecord::of(&by, AuditAction::Role)
        };
        let (chat, user, own) = (self.clone(), user.clone(), by.role);
        let giving = async move {
            if is_own {
                // So that the backend counts it among the admins, whatever vouched for it until now.
                chat.change_standing(&user, StandingChange::SetRole(own)).await?;
            }
            chat.change_standing(&user, StandingChange::SetRole(role)).await?;
            if role == Role::Admin {
                chat.close_setup(&user).await?;
            }
            Ok(())
        };
        self.recorded(record, giving).await
    }

    async fn set_standing(self, user: UserId, change: StandingChange) -> Result<(), Rejection> {
        self.change_standing(&user, change).await.map(drop)
    }

    /// The users that may not speak in a room, and whether it is locked.
    pub async fn room_rules(&self, access: RoomAccess) -> Result<RoomRules, Rejection> {
        let rules = self.inner.backend.moderation.rules(&[access.into_room()]).await.pop();
        Ok(rules.transpose()?.unwrap_or_default())
    }

    /// The banned users, the newest ban first.
    pub async fn bans(&self, by: &Identity, before: Option<u64>, limit: usize) -> Result<BanPage, Rejection> {
        by.everywhere(Role::Moderator)?;
        Ok(self.inner.backend.standings.bans(before, limit).await?)
    }

    /// The record of acts, the newest first. Moderators are not told in which private room an act was, which they may not
    /// know of, nor how many messages it has.
    pub async fn audit(
        &self,
        by: &Identity,
        before: Option<AuditPosition>,
        limit: usize,
    ) -> Result<AuditPage, Rejection> {
        by.everywhere(Role::Moderator)?;
        let mut page = self.inner.backend.moderation.audit(before, limit).await?;
        if by.role < Role::Admin {
            for AuditEntry { record, .. } in &mut page.entries {
                if record.room_id.take_if(|room| RoomName::from_trusted(room).is_private()).is_some() {
                    record.seq = None;
                }
            }
        }
        Ok(page)
    }

    async fn change_rules(
        &self,
        by: &Identity,
        access: RoomAccess,
        change: RulesChange,
    ) -> Result<(), Rejection> {
        let is_owner = access.is_owner();
        let room = access.into_room();
        let (action, user, lasts) = match &change {
            RulesChange::Kick(user) => (AuditAction::Kick, Some(user), None),
            RulesChange::Mute(user, lasts) => (AuditAction::Mute, Some(user), Some(*lasts)),
            RulesChange::Unmute(user) => (AuditAction::Unmute, Some(user), None),
            RulesChange::Lock => (AuditAction::Lock, None, None),
            RulesChange::Unlock => (AuditAction::Unlock, None, None),
        };
        let changing = {
            let (chat, room, change) = (self.clone(), room.clone(), change.clone());
            async move { Ok(chat.inner.backend.moderation.change_rules(&room, &change).await?) }
        };
        if is_owner {
            // Members of a private room know who owns it, and no moderator has acted.
            if user == Some(&by.author.user_id) {
                return Err(Rejection::new(ErrorCode::Forbidden, "The owner may not do this to itself"));
            }
            return changing.await;
        }
        if let Some(user) = user {
            self.check_rank(by, user).await?;
        }
        let record = AuditRecord {
            user_id: user.map(UserId::to_string),
            room_id: Some(room.to_string()),
            for_s: lasts.map(|lasts| lasts.as_secs()),
            ..AuditRecord::of(by, action)
        };
        self.recorded(record, changing).await
    }

    /// A moderator may not act against a user of the same or a higher role, itself included. That of a user of another
    /// issuer is known only if it was given here.
    async fn check_rank(&self, by: &Identity, user: &UserId) -> Result<(), Rejection> {
        let standing = self.standing(user).await?;
        let role = match standing.role {
            Some(role) => role,
            None => {
                let account = self.inner.backend.accounts.by_id(user).await?;
                account.map_or(Role::Guest, |account| account.role)
            }
        };
        if role < by.role && *user != by.author.user_id {
            return Ok(());
        }
        let sentence = "Nobody may do this to a user of the same or a higher role";
        Err(Rejection::new(ErrorCode::Forbidden, sentence))
    }

    /// Does something to a private room that its owner may do. That an admin does it is recorded.
    pub(super) async fn recorded_of_admin<T: Send + 'static>(
        &self,
        by: &Identity,
        access: &RoomAccess,
        (action, user): (AuditAction, Option<&UserId>),
        act: impl Future<Output = Result<T, Rejection>> + Send + 'static,
    ) -> Result<T, Rejection> {
        if !access.is_admin() {
            return Completion::new(&self.inner.supervisor, "room-change", act).await;
        }
        let record = AuditRecord {
            user_id: user.map(UserId::to_string),
            room_id: Some(access.room().to_string()),
            ..AuditRecord::of(by, action)
        };
        self.recorded(record, act).await
    }

    /// Records an act, and does it, also if the caller goes meanwhile.
    pub(super) async fn recorded<T: Send + 'static>(
        &self,
        record: AuditRecord,
        act: impl Future<Output = Result<T, Rejection>> + Send + 'static,
    ) -> Result<T, Rejection> {
        let chat = self.clone();
        let recording = async move {
            chat.inner.backend.moderation.record(&record).await?;
            let outcome = act.await;
            chat.settle_record(record, outcome.is_ok()).await;
            outcome
        };
        Completion::new(&self.inner.supervisor, "recorded-act", recording).await
    }

    /// Tells the outcome of an act that was recorded before: a second record says that it could not be done.
    pub(super) async fn settle_record(&self, record: AuditRecord, is_done: bool) {
        if is_done {
            let AuditRecord { by, action, user_id, room_id, .. } = &record;
            info!(by = %by.user_id, ?action, user = ?user_id, room = ?room_id, "moderated");
            return;
        }
        let failed = AuditRecord { failed: true, ..record };
        if let Err(error) = self.inner.backend.moderation.record(&failed).await {
            warn!(error = %error.root_cause(), action = ?failed.action, "could not record that an act failed");
        }
    }
}

impl AuditRecord {
    /// An act of a user, about nothing yet.
    pub(super) fn of(by: &Identity, action: AuditAction) -> Self {
        let by = AuditUser {
            user_id: by.author.user_id.to_string(),
            username: by.author.username.to_string(),
            role: by.role,
        };
        let (user_id, room_id, id, seq, for_s, reason, role) = Default::default();
        Self { by, action, user_id, room_id, id, seq, for_s, reason, role, failed: false }
    }
}

fn check_duration(lasts: Duration, longest: Duration) -> Result<(), Rejection> {
    if (Duration::from_secs(1)..=longest).contains(&lasts) {
        return Ok(());
    }
    let sentence = format!("for_s must be from 1 to {}", longest.as_secs());
    Err(Rejection::new(ErrorCode::BadRequest, sentence))
}

/// A reason, without characters that would break a line of a log or a page.
fn checked_reason(reason: &str) -> Result<String, Rejection> {
    let reason = reason.trim();
    if reason.chars().count() > REASON_CHARS || reason.chars().any(char::is_control) {
        let sentence = format!("reason must be one line of at most {REASON_CHARS} characters");
        return Err(Rejection::new(ErrorCode::BadRequest, sentence));
    }
    Ok(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_reasons_are_bounded() {
        for (seconds, is_taken) in [(0, false), (1, true), (60, true), (61, false), (u64::MAX, false)] {
            let outcome = check_duration(Duration::from_secs(seconds), Duration::from_secs(60));
            assert_eq!(outcome.is_ok(), is_taken, "{seconds}");
        }
        assert_eq!(checked_reason("  স্প্যাম \t").as_deref(), Ok("স্প্যাম"));
        assert!(checked_reason(&"x".repeat(REASON_CHARS)).is_ok());
        for reason in ["x".repeat(REASON_CHARS + 1), "a\nb".to_owned(), "\u{0}".to_owned()] {
            assert_eq!(checked_reason(&reason).unwrap_err().code, ErrorCode::BadRequest, "{reason:?}");
        }
    }
}
