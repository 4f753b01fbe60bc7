//! What an operator sees: log lines and metrics. Names no message text, token or address.

mod escape;
mod lines;
mod logging;
mod metrics;

pub use self::lines::{lost_lines, print_error};
pub use self::logging::{Logging, start_logging};
pub use self::metrics::{Meters, begin_refusals, count_refusal, meters, start_metrics};
