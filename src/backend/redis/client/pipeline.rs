//! Several calls in one pipeline, and what came of each.

use redis::{Pipeline, ServerErrorKind, Value};

use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::script::Publishing;

/// Calls as one pipeline, and where the value of each will be found.
#[derive(Default)]
pub struct Batch {
    pub pipeline: Pipeline,
    places: Vec<Place>,
}

enum Place {
    /// The answer at this place is the call's.
    Alone(usize),
    /// The calls were queued from here on, and their values are in the answer behind them.
    Together { queued: usize, calls: usize },
}

impl Batch {
    /// Calls that are carried out together or not at all.
    pub fn add(&mut self, group: &[&Call], publishing: Publishing, is_asking: bool) {
        let is_alone = group.len() == 1;
        if is_asking {
            self.pipeline.cmd("ASKING");
        }
        if !is_alone {
            self.pipeline.cmd("MULTI");
        }
        let queued = self.pipeline.len();
        for call in group {
            self.pipeline.add_command(call.command(publishing));
        }
        if is_alone {
            self.places.push(Place::Alone(queued));
        } else {
            self.pipeline.cmd("EXEC");
            self.places.push(Place::Together { queued, calls: group.len() });
        }
    }

    /// One value for each call.
    pub fn values(self, answers: Vec<Value>) -> Vec<Value> {
        let mut answers: Vec<Option<Value>> = answers.into_iter().map(Some).collect();
        let mut take = |at: usize| answers.get_mut(at).and_then(Option::take).unwrap_or(Value::Nil);
        let mut values = Vec::new();
        for place in self.places {
            match place {
                Place::Alone(at) => values.push(take(at)),
                Place::Together { queued, calls } => match take(queued + calls) {
                    Value::Array(results) => values.extend(results),
                    // Redis refused to queue some of them, and so did none: its reason is theirs.
                    refusal => {
                        let mut reasons = (queued..queued + calls).map(&mut take);
                        let reason = reasons.find(|value| matches!(value, Value::ServerError(_)));
                        values.extend(std::iter::repeat_n(reason.unwrap_or(refusal), calls));
                    }
                },
            }
        }
        values
    }
}

/// Why a server of a cluster did not carry out a call that another may.
#[derive(Debug, PartialEq, Eq)]
pub enum Elsewhere {
    /// The slot has gone to another.
    Moved,
    /// The slot is on its way, and this key has arrived there already.
    Asked(String),
    /// The slot is on its way and its keys are divided, or the shard has no master now.
    Later,
}

impl Elsewhere {
    /// `host`: of the server that refused. It leaves the host out if clients are to stay with the one they
    /// know.
    pub fn of(value: &Value, host: &str) -> Option<Self> {
        let Value::ServerError(error) = value else { return None };
        match error.kind()? {
            ServerErrorKind::Moved => Some(Self::Moved),
            ServerErrorKind::TryAgain | ServerErrorKind::ClusterDown => Some(Self::Later),
            ServerErrorKind::Ask => {
                let address = error.details()?.split(' ').nth(1)?;
                let host = if address.starts_with(':') { host } else { "" };
                Some(Self::Asked(format!("{host}{address}")))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_has_arrived_elsewhere_is_asked_for_there_whether_or_not_a_host_is_named() {
        for (refusal, address) in [("ASK 8214 two:7001", "two:7001"), ("ASK 8214 :7001", "one:7001")] {
            let value = redis::parse_redis_value(format!("-{refusal}\r\n").as_bytes()).expect("an error");
            assert_eq!(Elsewhere::of(&value, "one"), Some(Elsewhere::Asked(address.into())));
        }
    }
}
