//! The signals to a node: to stop, to stop at once, to read its settings again.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info};

use super::Server;
use crate::config::Config;
use crate::telemetry::Logging;

/// The signals that a node handles, from the moment of listening: none of them kills it.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hangup: Signal,
    user: [Signal; 2],
}

/// The order of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// SIGTERM: drain and end.
    Stop,
    /// SIGINT, Ctrl-C: the same; a second time, at once.
    Interrupt,
    /// SIGQUIT: end at once.
    Quit,
    /// SIGHUP: read the settings again.
    Reload,
    /// SIGUSR1 and SIGUSR2 have no effect.
    Nothing,
}

/// Why a node ended otherwise than by draining.
#[derive(Debug, thiserror::Error)]
pub enum EndError {
    /// It was ordered not to drain.
    #[error(
        "stopped at once: its sessions were not sent away, and other nodes take them for lost in a moment"
    )]
    AtOnce,
    /// A task failed.
    #[error(transparent)]
    Failed(#[from] super::TaskFailed),
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// If the system does not let it.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hangup: signal(SignalKind::hangup())?,
            user: [signal(SignalKind::user_defined1())?, signal(SignalKind::user_defined2())?],
        })
    }

    async fn next(&mut self) -> Asked {
        let [first, second] = &mut self.user;
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Interrupt,
            _ = self.quit.recv() => Asked::Quit,
            _ = self.hangup.recv() => Asked::Reload,
            _ = first.recv() => Asked::Nothing,
            _ = second.recv() => Asked::Nothing,
        }
    }
}

/// Serves until a signal ends it. `load` reads the settings again.
///
/// # Errors
/// [`EndError`] if the node did not end well.
pub async fn serve(
    server: Server,
    mut signals: Signals,
    logging: Logging,
    load: impl Fn() -> Result<Config, String>,
) -> Result<(), EndError> {
    let stop = CancellationToken::new();
    let settings = server.settings();
    let logging = Arc::new(logging);
    server.watch_log(logging.clone());
    let obeying = async {
        let mut has_interrupted = false;
        loop {
            match signals.next().await {
                Asked::Interrupt if !has_interrupted => {
                    has_interrupted = true;
                    info!("stopping; press Ctrl-C again to stop at once");
                    stop.cancel();
                }
                Asked::Interrupt | Asked::Quit => return,
                Asked::Stop => stop.cancel(),
                Asked::Reload => reload(&logging, &settings, &load),
                Asked::Nothing => debug!("ignored a signal"),
            }
        }
    };
    tokio::select! {
        ended = server.run(stop.cancelled()) => Ok(ended?),
        () = obeying => Err(EndError::AtOnce),
    }
}

/// Invalid settings change nothing.
fn reload(
    logging: &Logging,
    settings: &watch::Sender<Arc<Config>>,
    load: impl Fn() -> Result<Config, String>,
) {
    let applied = load().and_then(|config| {
        logging.set_level(&config.log.level).map_err(|error| error.to_string())?;
        Ok(config)
    });
    match applied {
        Ok(config) => {
            info!(level = config.log.level, "reloaded the settings");
            settings.send_replace(Arc::new(config));
        }
        Err(error) => error!(error, "could not reload the settings; keeping the current ones"),
    }
}
