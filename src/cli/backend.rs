//! The backend of the settings, for commands that run without a node.

use adda::backend::{self, Backend};
use adda::config::Config;
use adda::model::NodeId;
use adda::supervisor::Supervisor;

/// Connects to the backend of the settings and does the work of a command with it.
///
/// # Errors
/// One sentence: that of the work, or why the backend did not start.
pub fn with_backend<T, E: ToString>(
    config: &Config,
    work: impl AsyncFnOnce(&Backend) -> Result<T, E>,
) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| format!("can't start threads: {error}"))?;
    let outcome = runtime.block_on(async {
        let supervisor = Supervisor::default();
        let started = backend::start(config, NodeId::random(), &supervisor).await;
        let (backend, _events) = started.map_err(|error| error.to_string())?;
        work(&backend).await.map_err(|error| error.to_string())
    });
    // The tasks of the backend have no end of their own.
    runtime.shutdown_background();
    outcome
}
