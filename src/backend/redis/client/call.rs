//! A request to the server of a key.

use redis::Cmd;

use crate::backend::redis::client::script::{Publishing, Script};

/// A script or a command, with the key that selects the server.
#[derive(Debug, Clone)]
pub enum Call {
    /// A script.
    Script { script: &'static Script, keys: Vec<String>, args: Vec<Vec<u8>> },
    /// A command of Redis, and its key or channel.
    Plain { key: String, command: Cmd },
}

impl Call {
    /// All keys must share a slot with the first.
    pub fn new(script: &'static Script, keys: impl IntoIterator<Item = String>) -> Self {
        Self::Script { script, keys: keys.into_iter().collect(), args: Vec::new() }
    }

    /// A command whose first argument is its key.
    pub fn plain(name: &str, key: String) -> Self {
        let mut command = redis::cmd(name);
        command.arg(&key);
        Self::Plain { key, command }
    }

    /// A command without a key, for the server that has `key`.
    pub fn beside(name: &str, key: String) -> Self {
        Self::Plain { key, command: redis::cmd(name) }
    }

    pub fn arg(mut self, arg: impl ToString) -> Self {
        let arg = arg.to_string();
        match &mut self {
            Self::Script { args, .. } => args.push(arg.into_bytes()),
            Self::Plain { command, .. } => {
                command.arg(arg);
            }
        }
        self
    }

    /// A binary argument.
    pub fn bytes(mut self, arg: impl Into<Vec<u8>>) -> Self {
        match &mut self {
            Self::Script { args, .. } => args.push(arg.into()),
            Self::Plain { command, .. } => {
                command.arg(arg.into());
            }
        }
        self
    }

    /// The key that selects the server.
    pub fn key(&self) -> &str {
        match self {
            Self::Script { keys, .. } => &keys[0],
            Self::Plain { key, .. } => key,
        }
    }

    /// The script, if this calls one.
    pub fn script(&self) -> Option<&'static Script> {
        match self {
            Self::Script { script, .. } => Some(script),
            Self::Plain { .. } => None,
        }
    }

    pub fn command(&self, publishing: Publishing) -> Cmd {
        match self {
            Self::Script { script, keys, args } => {
                // Room for the name, the hash and the number of keys as well.
                let bytes = 64 + keys.iter().map(String::len).chain(args.iter().map(Vec::len)).sum::<usize>();
                let mut command = Cmd::with_capacity(3 + keys.len() + args.len(), bytes);
                command.arg("EVALSHA").arg(script.hash(publishing)).arg(keys.len()).arg(keys).arg(args);
                command
            }
            Self::Plain { command, .. } => command.clone(),
        }
    }
}
