//! A node for the tests of these operations.

use super::Chat;
use crate::backend::{self, Health};
use crate::config::Config;
use crate::model::NodeId;
use crate::supervisor::Supervisor;

/// A node alone, once it is ready.
pub(super) async fn chat() -> Chat {
    let (config, node, supervisor) = (Config::defaults(), NodeId::random(), Supervisor::default());
    let (backend, events) = backend::start(&config, node, &supervisor).await.unwrap();
    let chat = Chat::start(node, config, backend, events, supervisor).unwrap();
    chat.inner.health.clone().wait_for(|health| *health == Health::Ready).await.unwrap();
    chat
}
