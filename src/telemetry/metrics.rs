//! The metrics of a node, in Prometheus' text format.

use std::sync::LazyLock;

use metrics::{Counter, Gauge, Unit, counter, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::tally::{BOUNDS, Tally, Timing};
use super::{labelled, lost_lines, process};

/// The metrics that this node writes, looked up once.
#[derive(Debug)]
pub struct Meters {
    /// Messages that were logged for sessions and callers of this node.
    pub messages_posted: Tally,
    /// Frames of messages and notices put into outboxes.
    pub deliveries: Tally,
    /// Sessions closed because their outbox was full or a write made no progress.
    pub slow_sessions: Tally,
    /// Time from taking a message in to handing it to this node's sessions.
    pub delivery_latency: Timing,
    /// Time of one pipeline of commands to Redis, failures included.
    pub redis_pipeline: Timing,
    /// How often the subscription was lost.
    pub pubsub_reconnects: Counter,
    /// Publications that this node had no room for and read back from the log.
    pub pubsub_events_dropped: Counter,
    /// Messages that had not arrived and were read back from the log.
    pub messages_recovered: Counter,
    /// Messages that neither arrived nor were left in the log.
    pub messages_lost: Counter,
    /// Rooms whose sessions of this node the backend had lost, or held after they had gone.
    pub presence_repairs: Counter,
    /// Questions to token buckets of the cluster about messages.
    pub quota_claims: Counter,
    /// Notifications that were sent by this node.
    pub notifications_sent: Counter,
    /// Times of schedules that were fired by this node.
    pub schedules_fired: Counter,
    /// Those of them that were fired late.
    pub schedules_late: Counter,
    /// Open WebSocket connections.
    pub sessions: Gauge,
    /// Public rooms occupied by sessions of this node.
    pub rooms: Gauge,
    /// 1 while events are known to arrive.
    pub pubsub_up: Gauge,
    /// Seconds by which this node's clock is ahead of that of Redis.
    pub clock_skew: Gauge,
    /// Generations of Redis that began while this node ran: each time Redis may have lost data.
    pub generations: Counter,
    /// Epochs that began in rooms of this node's sessions.
    pub epochs_begun: Counter,
    /// 1 while the node can serve.
    pub ready: Gauge,
    /// Descriptors that the process may have open.
    pub descriptors_limit: Gauge,
    /// Sessions that the node takes.
    pub sessions_limit: Gauge,
    /// Hashes of passwords that were computed.
    pub password_checks: Counter,
    /// Callers that wait for the hash of a password.
    pub passwords_waiting: Gauge,
    /// Bytes that wait in the outboxes of all sessions.
    pub outbox_bytes: Gauge,
    /// Bytes that wait in the fullest outbox.
    pub outbox_largest_bytes: Gauge,
    /// HTTP requests that were answered.
    pub(super) requests: Tally,
    /// Errors that were sent to clients.
    pub(super) errors: Tally,
    /// Files that were stored.
    pub files_uploaded: Counter,
    /// Their bytes.
    pub file_bytes_received: Counter,
    /// Bytes of files that were read.
    pub file_bytes_sent: Counter,
    /// Files whose bytes could not be deleted.
    pub file_deletions_failed: Counter,
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
        if let Some(open) = process::open_descriptors() {
            self.descriptors_open.set(open as f64);
        }
    }

    #[allow(clippy::too_many_lines, reason = "one line a metric")]
    fn new() -> Self {
        labelled::begin();
        Self {
            messages_posted: tallied("adda_messages_posted_total", "Messages logged for this node's clients"),
            deliveries: tallied("adda_deliveries_total", "Frames handed to this node's sessions"),
            slow_sessions: tallied("adda_slow_sessions_total", "Sessions closed for reading too slowly"),
            delivery_latency: timed(
                "adda_delivery_latency_seconds",
                "From receiving a message to delivering it here, on this node's clock",
            ),
            redis_pipeline: timed("adda_redis_pipeline_seconds", "One pipeline of commands to Redis"),
            pubsub_reconnects: counted(
                "adda_pubsub_reconnects_total",
                "Subscriptions to Redis that were lost and made again",
            ),
            pubsub_events_dropped: counted(
                "adda_pubsub_events_dropped_total",
                "Publications dropped because the event queue was full",
            ),
            messages_recovered: counted(
                "adda_messages_recovered_total",
                "Messages that did not arrive and were read from the log",
            ),
            messages_lost: counted(
                "adda_messages_lost_total",
                "Messages that did not arrive and were not in the log",
            ),
            presence_repairs: counted(
                "adda_presence_repairs_total",
                "Rooms whose members in Redis were repaired",
            ),
            quota_claims: counted(
                "adda_quota_claims_total",
                "Questions to the cluster about messages of users or addresses that send fast",
            ),
            notifications_sent: counted("adda_notifications_sent_total", "Notifications sent by this node"),
            schedules_fired: counted("adda_schedules_fired_total", "Times of schedules fired by this node"),
            schedules_late: counted(
                "adda_schedules_late_total",
                "Times of schedules fired by this node 2 s or more after they were due",
            ),
            sessions: gauged("adda_sessions", "Open WebSocket connections"),
            rooms: gauged("adda_rooms", "Public rooms occupied by sessions of this node"),
            pubsub_up: gauged("adda_pubsub_up", "1 while events are known to arrive"),
            clock_skew: gauged("adda_clock_skew_seconds", "This node's clock less that of Redis"),
            generations: counted("adda_generations_total", "Times that Redis may have lost data"),
            epochs_begun: counted(
                "adda_epochs_begun_total",
                "New epochs of rooms with sessions of this node",
            ),
            ready: gauged("adda_ready", "1 while the node can serve, as /readyz says"),
            descriptors_limit: gauged("adda_descriptors_limit", "Descriptors that this process may open"),
            sessions_limit: gauged("adda_sessions_limit", "Sessions that this node takes"),
            password_checks: counted("adda_password_checks_total", "Hashes of passwords that were computed"),
            passwords_waiting: gauged(
                "adda_passwords_waiting",
                "Callers that wait for the hash of a password",
            ),
            outbox_bytes: gauged("adda_outbox_bytes", "Bytes that wait in the outboxes of all sessions"),
            outbox_largest_bytes: gauged(
                "adda_outbox_largest_bytes",
                "Bytes that wait in the fullest outbox",
            ),
            // Exported by their labels.
            requests: Tally::new(Counter::noop()),
            errors: Tally::new(Counter::noop()),
            files_uploaded: counted("adda_files_uploaded_total", "Files that were stored"),
            file_bytes_received: counted("adda_file_bytes_received_total", "Bytes of files that were stored"),
            file_bytes_sent: counted("adda_file_bytes_sent_total", "Bytes of files that were read"),
            file_deletions_failed: counted(
                "adda_file_deletions_failed_total",
                "Files whose bytes could not be deleted and are tried again",
            ),
            descriptors_open: gauged("adda_descriptors_open", "Descriptors that this process has open"),
            log_lines_lost: counted("adda_log_lines_lost_total", "Log lines that could not be written"),
        }
    }
}

fn counted(name: &'static str, what: &'static str) -> Counter {
    describe_counter!(name, what);
    counter!(name)
}

fn tallied(name: &'static str, what: &'static str) -> Tally {
    Tally::new(counted(name, what))
}

fn timed(name: &'static str, what: &'static str) -> Timing {
    describe_histogram!(name, Unit::Seconds, what);
    Timing::new(metrics::histogram!(name))
}

fn gauged(name: &'static str, what: &'static str) -> Gauge {
    describe_gauge!(name, what);
    metrics::gauge!(name)
}

/// Starts collecting metrics; the handle renders them in Prometheus' text format.
///
/// # Panics
/// If it is called twice in a process.
pub fn start_metrics() -> PrometheusHandle {
    process::begin();
    let handle = PrometheusBuilder::new()
        .set_buckets(&BOUNDS)
        .expect("there are buckets")
        .install_recorder()
        .expect("metrics start once");
    meters();
    handle
}
