//! Pipelines of commands, and redirects of a Redis Cluster.

use redis::{Cmd, Pipeline, ServerErrorKind, Value};

/// Builds a pipeline. Each command returns a handle to its reply.
#[derive(Default)]
pub struct Builder {
    pipeline: Pipeline,
}

/// A handle to the reply of one command.
#[derive(Debug, Clone, Copy)]
pub struct Single(usize);

/// A handle to the replies of a transaction.
#[derive(Debug)]
pub struct Transaction {
    first: usize,
    commands: usize,
}

impl Builder {
    /// Adds a command.
    pub fn command(&mut self, command: Cmd) -> Single {
        let place = self.pipeline.len();
        self.pipeline.add_command(command);
        Single(place)
    }

    /// Adds commands between MULTI and EXEC.
    pub fn transaction(&mut self, commands: impl Iterator<Item = Cmd>) -> Transaction {
        self.pipeline.cmd("MULTI");
        let first = self.pipeline.len();
        for command in commands {
            self.command(command);
        }
        let commands = self.pipeline.len() - first;
        self.pipeline.cmd("EXEC");
        Transaction { first, commands }
    }

    /// The finished pipeline.
    pub fn build(self) -> Pipeline {
        self.pipeline
    }
}

/// The replies to a pipeline.
pub struct Answers(Vec<Option<Value>>);

impl Answers {
    pub fn new(answers: Vec<Value>) -> Self {
        Self(answers.into_iter().map(Some).collect())
    }

    /// The answer of a command.
    pub fn take(&mut self, Single(place): Single) -> Value {
        self.0.get_mut(place).and_then(Option::take).unwrap_or(Value::Nil)
    }

    /// One answer for each command of a transaction.
    pub fn take_all(&mut self, Transaction { first, commands }: Transaction) -> Vec<Value> {
        let refusal = match self.take(Single(first + commands)) {
            Value::Array(answers) => return answers,
            refusal => refusal,
        };
        // Redis refused to queue a command, and so executed none: the reason applies to all.
        let mut queued = (first..first + commands).map(|place| self.take(Single(place)));
        let reason = queued.find(|answer| matches!(answer, Value::ServerError(_))).unwrap_or(refusal);
        std::iter::repeat_n(reason, commands).collect()
    }
}

/// A redirect of a Redis Cluster.
#[derive(Debug, PartialEq, Eq)]
pub enum Redirect {
    /// Another server has the slot.
    Moved,
    /// The slot is moving, and this key is at this address already.
    Ask(String),
    /// The slot is moving and its keys are divided, or the shard has no master now.
    TryAgain,
}

impl Redirect {
    /// `host`: of the server that redirected, for redirects that omit the host.
    pub fn of(value: &Value, host: &str) -> Option<Self> {
        let Value::ServerError(error) = value else { return None };
        match error.kind()? {
            ServerErrorKind::Moved => Some(Self::Moved),
            ServerErrorKind::TryAgain | ServerErrorKind::ClusterDown => Some(Self::TryAgain),
            ServerErrorKind::Ask => {
                let address = error.details()?.split(' ').nth(1)?;
                let host = if address.starts_with(':') { host } else { "" };
                Some(Self::Ask(format!("{host}{address}")))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> Value {
        redis::parse_redis_value(format!("-{text}\r\n").as_bytes()).expect("an error")
    }

    #[test]
    fn an_ask_redirect_with_or_without_a_host_is_followed() {
        for (refusal, address) in [("ASK 8214 two:7001", "two:7001"), ("ASK 8214 :7001", "one:7001")] {
            assert_eq!(Redirect::of(&error(refusal), "one"), Some(Redirect::Ask(address.into())));
        }
    }

    #[test]
    fn each_handle_has_its_reply() {
        let mut builder = Builder::default();
        let one = builder.command(redis::cmd("one"));
        let done = builder.transaction([redis::cmd("two"), redis::cmd("three")].into_iter());
        let refused = builder.transaction([redis::cmd("four"), redis::cmd("five")].into_iter());
        let six = builder.command(redis::cmd("six"));
        assert_eq!(builder.build().len(), 10);
        let queued = Value::SimpleString("QUEUED".into());
        let mut answers = Answers::new(vec![
            Value::Int(1),
            Value::Okay,
            queued.clone(),
            queued.clone(),
            Value::Array(vec![Value::Int(2), Value::Int(3)]),
            Value::Okay,
            error("OOM full"),
            queued,
            error("EXECABORT discarded"),
            Value::Int(6),
        ]);
        assert_eq!((answers.take(one), answers.take(six)), (Value::Int(1), Value::Int(6)));
        assert_eq!(answers.take_all(done), [Value::Int(2), Value::Int(3)]);
        assert_eq!(answers.take_all(refused), [error("OOM full"), error("OOM full")]);
    }
}
