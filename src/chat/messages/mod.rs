//! Posting.

mod posters;

pub use self::posters::Poster;
pub(super) use self::posters::Posters;
