//! `adda serve`: settings, telemetry, threads; then the node serves until a signal.

use adda::config::{Config, Flags};
use adda::server::Server;
use adda::server::signals::{self, Signals};
use adda::{supervisor, telemetry};
use tracing::{info, warn};

use super::check;

/// Runs a node until it is told to stop.
pub fn run(flags: &Flags) -> Result<(), String> {
    // Nothing is logged before the settings are known to be good: an error stands alone.
    let (config, warnings) = check::read(flags)?;
    let logging =
        telemetry::start_logging(&config.log).map_err(|error| format!("log.level is no filter: {error}"))?;
    supervisor::log_panics();
    for warning in warnings {
        warn!("{warning}");
    }
    raise_descriptor_limit();
    let runtime = runtime(&config).map_err(|error| format!("can't start threads: {error}"))?;
    let load = || Ok(check::read(flags)?.0);
    let outcome = runtime.block_on(async {
        let signals = Signals::listen().map_err(|error| format!("can't listen for signals: {error}"))?;
        let metrics = telemetry::start_metrics();
        let server = Server::start(config, metrics).await.map_err(|error| error.to_string())?;
        signals::serve(server, signals, logging, load).await.map_err(|error| error.to_string())
    });
    // A node that stops at once does not wait for its threads.
    runtime.shutdown_background();
    outcome
}

fn runtime(config: &Config) -> std::io::Result<tokio::runtime::Runtime> {
    let threads = match config.server.worker_threads {
        0 => std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2)),
        threads => threads,
    };
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()
}

/// Every session is a descriptor.
fn raise_descriptor_limit() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => info!(limit, "raised the limit of open files"),
        Err(error) => warn!(%error, "could not raise the limit of open files"),
    }
}
