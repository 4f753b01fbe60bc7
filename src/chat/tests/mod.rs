//! A node for the tests of these operations, also over a backend that holds answers back.

mod abandoned;
mod gate;
mod late;
mod passing;

use super::Chat;
use crate::backend::{self, Backend, Health};
use crate::config::Config;
use crate::model::NodeId;
use crate::supervisor::Supervisor;

/// A node alone, once it is ready.
pub(super) async fn chat() -> Chat {
    chat_with(|backend| backend).await
}

/// The same with another backend around the one in memory.
pub(super) async fn chat_with(around: impl FnOnce(Backend) -> Backend) -> Chat {
    configured_chat(Config::defaults(), around).await
}

/// The same with settings.
pub(super) async fn configured_chat(config: Config, around: impl FnOnce(Backend) -> Backend) -> Chat {
    let (node, supervisor) = (NodeId::random(), Supervisor::default());
    let (backend, events) = backend::start(&config, node, &supervisor).await.unwrap();
    let chat = Chat::start(node, config, around(backend), events, supervisor).unwrap();
    chat.inner.health.clone().wait_for(|health| *health == Health::Ready).await.unwrap();
    chat
}
