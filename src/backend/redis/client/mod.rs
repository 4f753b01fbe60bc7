//! One Redis server: connections, commands and scripts. `topology` selects the server of a key; the folders beside
//! it define the keys.

pub(super) mod call;
pub(super) mod complaints;
pub(super) mod dialer;
pub(super) mod newest;
pub(super) mod pipeline;
pub(super) mod role;
pub(super) mod script;
pub(super) mod server;
pub(super) mod target;
