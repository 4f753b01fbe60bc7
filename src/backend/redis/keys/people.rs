//! The keys of users, and those of moderation.

use super::{Keys, Tag};
use crate::model::{RoomName, UserId};

impl Keys {
    /// Hash: generation, signed_out_at (ms), role, ban (its end, ms, or `-`), reason, guest (the generation is one's). For
    /// good; without a role, a ban for good and the generation of a user that is no guest `auth.token_ttl` after the last
    /// change.
    pub fn standing(&self, user: &UserId) -> String {
        format!("{}{{user:{}}}:standing", self.prefix, Tag(user.as_str()))
    }

    /// Hash: `share_reading` → `off`. For good; of a guest for `auth.token_ttl`.
    pub fn preferences(&self, user: &UserId) -> String {
        format!("{}{{user:{}}}:preferences", self.prefix, Tag(user.as_str()))
    }

    /// Set: the users with the role of an admin.
    pub fn admins(&self) -> String {
        format!("{}admins", self.prefix)
    }

    /// Hash: version, locked, `m:USER` → end of a mute (ms), `k:USER` → version of a kick. Until the last has ended, unless
    /// the room is locked.
    pub fn rules(&self, room: &RoomName) -> String {
        self.of_room(room, "rules")
    }

    /// Hash: the rooms on a user's list, each with the time (ms) since when it is there. Until the last is taken off.
    pub fn listed(&self, user: &UserId) -> String {
        format!("{}{{user:{}}}:rooms", self.prefix, Tag(user.as_str()))
    }

    /// String: the name of a user without an account. `auth.token_ttl`.
    pub fn introduction(&self, user: &UserId) -> String {
        format!("{}{{user:{}}}:name", self.prefix, Tag(user.as_str()))
    }

    /// Stream: what moderators did, fields `v` and `e` (JSON). `moderation.audit_entries`.
    pub fn audit(&self) -> String {
        format!("{}audit", self.prefix)
    }

    /// Stream: what users have reported, fields `v`, `e` (JSON) and `s` (what it is about). The newest 1,000.
    pub fn reports(&self) -> String {
        format!("{}reports", self.prefix)
    }

    /// Hash: what each of [`Self::reports`] is about → its entry id.
    pub fn report_subjects(&self) -> String {
        format!("{}{{{}}}:subjects", self.prefix, self.reports())
    }

    /// Sorted set: users who were banned, by the time of the ban in ms; each score is used once.
    pub fn bans(&self) -> String {
        format!("{}bans", self.prefix)
    }
}
