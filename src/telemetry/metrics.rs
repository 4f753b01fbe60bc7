//! What a node measures, in Prometheus' text format.

use std::sync::LazyLock;

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::{labelled, lost_lines};

/// The metrics that this node writes, looked up once.
#[derive(Debug)]
pub struct Meters {
    /// Messages that were logged for sessions and callers of this node.
    pub messages_in: Counter,
    /// Frames of messages and notices put into outboxes.
    pub deliveries: Counter,
    /// Sessions closed because their outbox was full or a write made no progress.
    pub slow_sessions: Counter,
    /// Time from taking a message in to handing it to this node's sessions.
    pub delivery: Histogram,
    /// Time of one pipeline of commands to Redis, failures included.
    pub redis_command: Histogram,
    /// How often the subscription was lost.
    pub subscription_losses: Counter,
    /// Publications that this node had no room for and read back from the log.
    pub events_left_out: Counter,
    /// Messages that had not arrived and were read back from the log.
    pub repaired: Counter,
    /// Messages that neither arrived nor were left in the log.
    pub skipped: Counter,
    /// Rooms whose sessions of this node the backend had lost, or held after they had gone.
    pub memberships_mended: Counter,
    /// Open WebSocket connections.
    pub sessions: Gauge,
    /// Rooms occupied by sessions of this node.
    pub rooms: Gauge,
    /// 1 while events are known to arrive.
    pub subscription_fresh: Gauge,
    /// Seconds by which this node's clock is ahead of that of Redis.
    pub clock_skew: Gauge,
    /// Generations of Redis that began while this node ran: each time Redis may have lost data.
    pub generations: Counter,
    /// Epochs that began in rooms of this node's sessions.
    pub epochs_begun: Counter,
    /// What was found in Redis and is not of adda, or of a later version, and was left alone.
    pub foreign_entries: Counter,
    /// 1 while the node can serve.
    pub ready: Gauge,
    /// Descriptors that the process may have open.
    pub descriptors_limit: Gauge,
    /// Sessions that the node takes.
    pub sessions_limit: Gauge,
    descriptors_open: Gauge,
    /// Log lines that could not be written.
    log_lines_lost: Counter,
}

/// The process' metrics.
pub fn meters() -> &'static Meters {
    static METERS: LazyLock<Meters> = LazyLock::new(Meters::new);
    &METERS
}

impl Meters {
    /// Brings up to date what the process itself counts.
    pub fn measure_process(&self) {
        self.log_lines_lost.absolute(lost_lines());
        if let Some(open) = open_descriptors() {
            self.descriptors_open.set(open as f64);
        }
    }

    fn new() -> Self {
        let counted = |name: &'static str, what: &'static str| {
            describe_counter!(name, what);
            counter!(name)
        };
        let timed = |name: &'static str, what: &'static str| {
            describe_histogram!(name, Unit::Seconds, what);
            metrics::histogram!(name)
        };
        let gauged = |name: &'static str, what: &'static str| {
            describe_gauge!(name, what);
            metrics::gauge!(name)
        };
        labelled::begin();
        Self {
            messages_in: counted("adda_messages_in_total", "Messages logged for this node's clients"),
            deliveries: counted("adda_deliveries_total", "Frames handed to this node's sessions"),
            slow_sessions: counted("adda_slow_sessions_total", "Sessions closed for reading too slowly"),
            delivery: timed("adda_delivery_seconds", "From taking a message in to delivering it here"),
            redis_command: timed("adda_redis_command_seconds", "One pipeline of commands to Redis"),
            subscription_losses: counted("adda_subscription_losses_total", "Lost subscriptions to Redis"),
            events_left_out: counted("adda_events_left_out_total", "Publications left out for want of room"),
            repaired: counted("adda_messages_repaired_total", "Lost messages read back from the log"),
            skipped: counted("adda_messages_skipped_total", "Lost messages that the log no longer had"),
            memberships_mended: counted(
                "adda_memberships_mended_total",
                "Rooms whose members were put right",
            ),
            sessions: gauged("adda_sessions", "Open WebSocket connections"),
            rooms: gauged("adda_rooms", "Rooms occupied by sessions of this node"),
            subscription_fresh: gauged("adda_subscription_fresh", "1 while events are known to arrive"),
            clock_skew: gauged("adda_clock_skew_seconds", "This node's clock less that of Redis"),
            generations: counted("adda_generations_total", "Times that Redis may have lost data"),
            epochs_begun: counted(
                "adda_epochs_begun_total",
                "New epochs of rooms with sessions of this node",
            ),
            foreign_entries: counted("adda_foreign_entries_total", "Looks at what adda can't read in Redis"),
            ready: gauged("adda_ready", "1 while the node can serve, as /readyz says"),
            descriptors_limit: gauged("adda_descriptors_limit", "Descriptors that this process may open"),
            sessions_limit: gauged("adda_sessions_limit", "Sessions that this node takes"),
            descriptors_open: gauged("adda_descriptors_open", "Descriptors that this process has open"),
            log_lines_lost: counted("adda_log_lines_lost_total", "Log lines that could not be written"),
        }
    }
}

/// Descriptors that the process has open. Linux alone says so, and since 6.2 as the size of the folder: to list
/// 20,000 takes it 30 ms.
fn open_descriptors() -> Option<u64> {
    const FOLDER: &str = "/proc/self/fd";
    let size = std::fs::metadata(FOLDER).ok()?.len();
    if size > 0 { Some(size) } else { Some(std::fs::read_dir(FOLDER).ok()?.count() as u64) }
}

/// Starts collecting metrics; the handle renders them in Prometheus' text format.
///
/// # Panics
/// If it is called twice in a process.
pub fn start_metrics() -> PrometheusHandle {
    const SECONDS: [f64; 16] =
        [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];
    let handle = PrometheusBuilder::new()
        .set_buckets(&SECONDS)
        .expect("there are buckets")
        .install_recorder()
        .expect("metrics start once");
    meters();
    handle
}
