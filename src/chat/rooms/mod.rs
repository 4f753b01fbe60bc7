//! The rooms of this node: their sessions, their order, and how a session joins without hole or double.

mod attendance;
mod delivery;
mod hub;
mod join;
mod list;
mod room;
mod rules;
mod sink;
#[cfg(test)]
mod tests;
mod throttle;
mod upkeep;

pub(super) use self::hub::Hub;
pub use self::join::JoinPlace;
pub(super) use self::list::RoomList;
pub use self::list::RoomsWatch;
pub use self::room::Room;
pub(super) use self::rules::SpeechRules;
pub use self::sink::{FlushSet, FrameSink, Pushed, RoomSession};
pub(super) use self::throttle::TypingRule;
