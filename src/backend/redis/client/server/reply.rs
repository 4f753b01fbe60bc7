//! Parsing of replies.

use redis::{RedisError, ServerErrorKind, Value};

use crate::backend::{BackendError, Result};
use crate::telemetry::{Unreadable, count_unreadable};

pub(super) fn is_error(value: &Value) -> bool {
    matches!(value, Value::ServerError(_))
}

pub(super) fn is_unknown_script(value: &Value) -> bool {
    matches!(value, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::NoScript))
}

/// Whether this Redis has become a replica. A script between MULTI and EXEC reports it within the reply.
pub(super) fn is_demoted(value: &Value) -> bool {
    match value {
        Value::ServerError(error) => error.kind() == Some(ServerErrorKind::ReadOnly),
        Value::Array(values) => values.iter().any(is_demoted),
        _ => false,
    }
}

/// Redis' own refusals (out of memory, read-only replica, loading) are as temporary for a client
/// as a missing connection.
pub fn unavailable(error: RedisError) -> BackendError {
    BackendError::Unavailable(error.into())
}

/// Whether this is an error reply of Redis.
pub fn is_refusal(error: &BackendError) -> bool {
    let BackendError::Unavailable(source) = error else { return false };
    source.downcast_ref::<RedisError>().is_some_and(|error| error.code().is_some())
}

/// Converts an error reply in a pipeline.
pub fn value_or_error(value: Value) -> Result<Value> {
    value.extract_error().map_err(unavailable)
}

/// Parses the value of a key. A key of a foreign type counts as empty.
pub fn parsed_if_ours<T: redis::FromRedisValue + Default>(value: Result<Value>) -> Result<T> {
    match value {
        Err(BackendError::Unavailable(error)) if is_wrong_type(&*error) => {
            count_unreadable(Unreadable::Key, 1);
            Ok(T::default())
        }
        value => parsed(value?),
    }
}

fn is_wrong_type(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    error.downcast_ref::<RedisError>().is_some_and(|error| error.code() == Some("WRONGTYPE"))
}

/// Parses a reply in the format of adda's own commands and scripts.
pub fn parsed<T: redis::FromRedisValue>(value: Value) -> Result<T> {
    redis::from_redis_value(value).map_err(|error| unavailable(error.into()))
}
