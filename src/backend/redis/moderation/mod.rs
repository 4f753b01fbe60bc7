//! Moderation: the standing of users, the rules of rooms, and the record of what moderators did.

mod bans;
mod rules;
mod standing;

use crate::backend::redis::client::script::Script;

pub use self::rules::RedisModeration;
pub use self::standing::RedisStandings;

/// The scripts of this folder.
pub(super) fn scripts() -> Vec<&'static Script> {
    [standing::SCRIPTS, bans::SCRIPTS, rules::SCRIPTS].concat()
}
