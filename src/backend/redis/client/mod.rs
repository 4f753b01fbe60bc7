//! One Redis server: reaching it, speaking to it, calling its scripts. Which of several servers holds a key is
//! `topology`'s concern, what the keys mean that of the folders beside it.

pub(super) mod call;
pub(super) mod complaints;
pub(super) mod dialer;
pub(super) mod newest;
pub(super) mod pipeline;
pub(super) mod role;
pub(super) mod script;
pub(super) mod server;
pub(super) mod target;
