//! Moderation: the standing of users.

mod bans;
mod standing;

use crate::backend::redis::client::script::Script;

pub use self::standing::RedisStandings;

/// The scripts of this folder.
pub(super) fn scripts() -> Vec<&'static Script> {
    [standing::SCRIPTS, bans::SCRIPTS].concat()
}
