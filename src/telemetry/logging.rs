//! The log: which lines there are, and how they look.

use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use super::lines::Lines;
use crate::config::{Log, LogFormat};

/// The log of the process. Lines that wait are written when this value is dropped, if that can be done soon.
#[derive(Debug)]
pub struct Logging {
    lines: Lines,
    filter: reload::Handle<EnvFilter, Registry>,
}

/// Why another level could not be set.
#[derive(Debug, thiserror::Error)]
pub enum LevelError {
    /// It is no filter.
    #[error("log.level is no filter: {0}")]
    Unreadable(#[from] ParseError),
    /// The log has ended.
    #[error(transparent)]
    Ended(#[from] reload::Error),
}

/// Starts writing log lines to standard error.
///
/// # Errors
/// If `log.level` is no filter.
pub fn start_logging(settings: &Log) -> Result<Logging, ParseError> {
    let filter = EnvFilter::builder().parse(&settings.level)?;
    let lines = Lines::start(std::io::stderr(), settings.format, settings.queue);
    let (filter, handle) = reload::Layer::new(filter);
    let log = fmt::layer().with_writer(lines.clone()).log_internal_errors(false);
    let log = match settings.format {
        LogFormat::Text => log.with_target(false).with_ansi(false).boxed(),
        LogFormat::Json => log.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(filter).with(log).init();
    Ok(Logging { lines, filter: handle })
}

impl Logging {
    /// From now on the log has the lines that `level` picks.
    ///
    /// # Errors
    /// If it is no filter.
    pub fn set_level(&self, level: &str) -> Result<(), LevelError> {
        Ok(self.filter.reload(EnvFilter::builder().parse(level)?)?)
    }

    /// Ends if no more lines are written.
    pub async fn ended(&self) {
        self.lines.ended().await;
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        self.lines.flush();
    }
}
