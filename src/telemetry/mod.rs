//! For operators: log lines and metrics. Neither contains any message text, token or address.

mod escape;
mod figures;
mod labelled;
mod latencies;
mod limits;
mod lines;
mod logging;
mod metrics;
mod outage;
mod process;
mod tally;

pub use self::figures::{Figures, Occupancy, Sampler};
pub use self::labelled::{
    LoginOutcome, RedisFailure, Refusal, Removal, Unreadable, begin_errors, count_error, count_login,
    count_redis_failure, count_refused_upload, count_removed_files, count_request, count_unreadable,
};
pub use self::latencies::Latencies;
pub use self::limits::{Limit, LimitTable, count_limited, measure_limits};
pub use self::lines::{lost_lines, print_error};
pub use self::logging::{Logging, start_logging};
pub use self::metrics::{Meters, meters, start_metrics};
pub use self::outage::Outage;
pub use self::process::process_metrics;
