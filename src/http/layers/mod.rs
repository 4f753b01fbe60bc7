//! The layers that every request passes: the rules for its head, which pages may read its answer, and its line in the log.

mod cors;
mod head;
mod trace;

pub use self::cors::with_cors;
pub use self::head::{check_head, refusals};
pub use self::trace::log_request;
