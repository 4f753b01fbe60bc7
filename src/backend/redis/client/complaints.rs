//! Errors of Redis, for the operator: counted by kind, and logged in Redis' own words, once per interval for each
//! cause.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use redis::{RedisError, Value};
use tracing::warn;

use crate::telemetry::{RedisFailure, count_redis_failure};

/// Interval in which a cause is logged once.
const LOG_INTERVAL_PER_CAUSE: Duration = Duration::from_secs(10);

/// Maximum number of remembered causes.
const MAX_CAUSES: usize = 64;

/// Maximum number of characters in a logged error.
const MAX_LOGGED_CHARS: usize = 200;

/// The causes that were logged lately; a cheap handle.
#[derive(Debug, Clone, Default)]
pub struct Complaints {
    logged: Arc<Mutex<HashMap<String, Instant>>>,
}

impl Complaints {
    /// Records an error reply; other replies are ignored.
    pub fn note_answer(&self, redis: &str, key: &str, answer: &Value) {
        if let Value::ServerError(error) = answer {
            let words = words(error.code(), error.details().unwrap_or_default());
            let kind = kind(error.code(), &words);
            count_redis_failure(kind);
            if self.is_due(&format!("{redis} {words}")) {
                warn!(redis, key, kind = kind.as_str(), error = words, "Redis refused a command");
            }
        }
    }

    /// Records a broken connection, or a missing reply.
    pub fn note_failure(&self, redis: &str, kind: RedisFailure, reason: &dyn std::fmt::Display) {
        count_redis_failure(kind);
        if self.is_due(&format!("{redis} {}", kind.as_str())) {
            warn!(redis, kind = kind.as_str(), error = %reason, "command to Redis failed");
        }
    }

    /// Records that the files of `redis.tls_*` can't be used now.
    pub fn note_certificates(&self, redis: &str, reason: &str) {
        if self.is_due(&format!("{redis} {reason}")) {
            warn!(
                redis,
                error = reason,
                "could not reload the certificates of redis.tls_*; keeping the current ones"
            );
        }
    }

    fn is_due(&self, cause: &str) -> bool {
        let mut logged = self.logged.lock().expect("no code panics while it holds this lock");
        logged.retain(|_, at| at.elapsed() < LOG_INTERVAL_PER_CAUSE);
        if logged.contains_key(cause) || logged.len() >= MAX_CAUSES {
            return false;
        }
        logged.insert(cause.to_owned(), Instant::now());
        true
    }
}

/// Redis' words without the arguments of the command, which may contain the text of a message.
fn words(code: &str, details: &str) -> String {
    let details = details.split(", with args beginning with").next().unwrap_or_default();
    format!("{code} {details}").chars().take(MAX_LOGGED_CHARS).collect()
}

fn kind(code: &str, words: &str) -> RedisFailure {
    match code {
        "NOPERM" => RedisFailure::NoPermission,
        "NOAUTH" | "WRONGPASS" => RedisFailure::NoAuthentication,
        "WRONGTYPE" => RedisFailure::WrongType,
        "OOM" => RedisFailure::OutOfMemory,
        "READONLY" => RedisFailure::ReadOnly,
        "LOADING" | "BUSY" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" => RedisFailure::Busy,
        "NOREPLICAS" => RedisFailure::TooFewReplicas,
        "MISCONF" => RedisFailure::Persistence,
        // The text of Redis 7 within a script.
        _ if words.contains("can't run this command") => RedisFailure::NoPermission,
        _ if words.contains("script") || words.contains("Lua") => RedisFailure::Script,
        _ => RedisFailure::Other,
    }
}

/// The kind of a failure without a reply.
pub fn kind_of(error: &RedisError) -> RedisFailure {
    match error.code() {
        Some(code) => kind(code, &error.to_string()),
        None if error.is_timeout() => RedisFailure::Timeout,
        None => RedisFailure::Connection,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_logged_once_an_interval() {
        let complaints = Complaints::default();
        assert!(complaints.is_due("one"));
        assert!(!complaints.is_due("one"));
        assert!(complaints.is_due("other"));
        for number in 0..MAX_CAUSES {
            complaints.is_due(&number.to_string());
        }
        assert!(!complaints.is_due("one more than are remembered"));
    }

    #[test]
    fn a_refusal_has_a_kind_and_words_without_arguments() {
        for (code, details, kind) in [
            ("NOPERM", "this user has no permissions to run the 'xadd' command", RedisFailure::NoPermission),
            (
                "ERR",
                "The user executing the script can't run this command or subcommand script: 1f",
                RedisFailure::NoPermission,
            ),
            ("WRONGTYPE", "Operation against a key holding the wrong kind of value", RedisFailure::WrongType),
            ("ERR", "Error running script (call to f_1): @user_script:3", RedisFailure::Script),
            ("ERR", "unknown command 'PUBLISH'", RedisFailure::Other),
        ] {
            assert_eq!(super::kind(code, &words(code, details)), kind, "{details}");
        }
        let logged =
            words("ERR", "unknown command 'PUBLISH', with args beginning with: 'adda:{general}' 'a word'");
        assert_eq!(logged, "ERR unknown command 'PUBLISH'");
    }
}
