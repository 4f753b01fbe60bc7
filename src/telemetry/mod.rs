//! For operators: log lines and metrics. Neither contains any message text, token or address.

mod escape;
mod labelled;
mod lines;
mod logging;
mod metrics;
mod outage;

pub use self::labelled::{
    Limit, LimitTable, LoginOutcome, RedisFailure, Unreadable, begin_errors, count_error, count_limited,
    count_login, count_redis_failure, count_unreadable, measure_limits,
};
pub use self::lines::{lost_lines, print_error};
pub use self::logging::{Logging, start_logging};
pub use self::metrics::{Meters, meters, start_metrics};
pub use self::outage::Outage;
