//! Lua scripts, called by hash. Each is a static beside its only caller, and is loaded over a connection in front of
//! its first call there.

use std::sync::OnceLock;

use sha1::{Digest, Sha1};

/// Gives a script the replication id of the Redis that runs it, `REPLID`. Put in front of others.
pub const REPLID: &str = include_str!("replid.lua");

/// Lets a script change keys that others may have written. Put in front of others.
pub const TYPES: &str = include_str!("types.lua");

/// What a script does to Redis' memory. Redis looks at its limit before a script that says so in its first
/// line; of one that does not, it looks only before the first write, and never before a DEL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// It writes nothing.
    Untouched,
    /// It grows with what clients ask for: refused at the limit.
    Grows,
    /// It gives memory back, or grows with what is there already (nodes, sessions) and keeps answers true:
    /// carried out at the limit, too.
    Spares,
}

impl Memory {
    /// The line that Redis must find first.
    fn first_line(self) -> &'static str {
        match self {
            Self::Untouched => "#!lua flags=no-writes\n",
            Self::Grows => "#!lua\n",
            Self::Spares => "#!lua flags=allow-oom\n",
        }
    }
}

/// Where a publication goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publishing {
    /// To every subscriber of this Redis.
    Everywhere,
    /// To the shard of the channel alone, in a Redis Cluster.
    Sharded,
}

impl Publishing {
    /// The command.
    pub fn command(self) -> &'static str {
        match self {
            Self::Everywhere => "PUBLISH",
            Self::Sharded => "SPUBLISH",
        }
    }
}

/// A script: its text in parts, the functions that it shares with others first.
#[derive(Debug)]
pub struct Script {
    memory: Memory,
    parts: &'static [&'static str],
    /// By [`Publishing`].
    hashes: [OnceLock<String>; 2],
}

impl Script {
    pub const fn new(memory: Memory, parts: &'static [&'static str]) -> Self {
        Self { memory, parts, hashes: [const { OnceLock::new() }; 2] }
    }

    /// What must be loaded. Scripts know the command that publishes as `PUBLISH`.
    pub fn text(&self, publishing: Publishing) -> String {
        let first_line = self.memory.first_line();
        let command = publishing.command();
        format!("{first_line}local PUBLISH = '{command}'\n{}", self.parts.concat())
    }

    /// The name under which Redis knows it.
    pub fn hash(&self, publishing: Publishing) -> &str {
        self.hashes[publishing as usize].get_or_init(|| format!("{:x}", Sha1::digest(self.text(publishing))))
    }

    /// The commands that it calls by name.
    pub fn commands(&self) -> Vec<String> {
        let calls = self.parts.iter().flat_map(|text| text.split("call('").skip(1));
        let names = calls.map(|rest| rest.split('\'').next().unwrap_or_default());
        // XINFO is known by what it tells of.
        names.map(|name| if name == "XINFO" { "XINFO|STREAM" } else { name }.to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static SCRIPT: Script = Script::new(Memory::Spares, &["-- shared\n", "redis.call('XINFO', 'STREAM')"]);

    #[test]
    fn a_text_begins_with_what_redis_must_know_of_it() {
        let text = SCRIPT.text(Publishing::Sharded);
        assert_eq!(
            text,
            "#!lua flags=allow-oom\nlocal PUBLISH = 'SPUBLISH'\n-- shared\nredis.call('XINFO', 'STREAM')"
        );
        assert_ne!(SCRIPT.hash(Publishing::Sharded), SCRIPT.hash(Publishing::Everywhere));
        assert_eq!(SCRIPT.commands(), ["XINFO|STREAM"]);
    }
}
