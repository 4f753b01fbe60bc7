//! Lua scripts, called by hash. Each is a static beside its only caller, and is loaded over a connection before its
//! first call there.

use std::sync::OnceLock;

use sha1::{Digest, Sha1};

/// Sets `REPLID`, the replication id of the Redis that runs the script. Prepended to others.
pub const REPLID: &str = include_str!("replid.lua");

/// Functions to change keys that other programs may have written. Prepended to others.
pub const TYPES: &str = include_str!("types.lua");

/// A script's use of memory. If the first line has flags, Redis checks its memory limit before the script; without
/// flags only before the first write, and never before a DEL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// It writes nothing.
    Untouched,
    /// It grows with requests of clients: refused at the limit.
    Grows,
    /// It frees memory, or grows with existing state (nodes, sessions) and keeps answers correct: allowed at the
    /// limit.
    Spares,
}

impl Memory {
    /// The first line of the script.
    fn first_line(self) -> &'static str {
        match self {
            Self::Untouched => "#!lua flags=no-writes\n",
            Self::Grows => "#!lua\n",
            Self::Spares => "#!lua flags=allow-oom\n",
        }
    }
}

/// The reach of a publication.
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

    /// The text to load. Scripts use the command that publishes as `PUBLISH`.
    pub fn text(&self, publishing: Publishing) -> String {
        let first_line = self.memory.first_line();
        let command = publishing.command();
        format!("{first_line}local PUBLISH = '{command}'\n{}", self.parts.concat())
    }

    /// The hash by which it is called.
    pub fn hash(&self, publishing: Publishing) -> &str {
        self.hashes[publishing as usize].get_or_init(|| format!("{:x}", Sha1::digest(self.text(publishing))))
    }

    /// The commands that it calls by name.
    pub fn commands(&self) -> Vec<String> {
        let calls = self.parts.iter().flat_map(|text| text.split("call('").skip(1));
        let names = calls.map(|rest| rest.split('\'').next().unwrap_or_default());
        // XINFO has subcommands.
        names.map(|name| if name == "XINFO" { "XINFO|STREAM" } else { name }.to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static SCRIPT: Script = Script::new(Memory::Spares, &["-- shared\n", "redis.call('XINFO', 'STREAM')"]);

    #[test]
    fn a_text_begins_with_its_flags() {
        let text = SCRIPT.text(Publishing::Sharded);
        assert_eq!(
            text,
            "#!lua flags=allow-oom\nlocal PUBLISH = 'SPUBLISH'\n-- shared\nredis.call('XINFO', 'STREAM')"
        );
        assert_ne!(SCRIPT.hash(Publishing::Sharded), SCRIPT.hash(Publishing::Everywhere));
        assert_eq!(SCRIPT.commands(), ["XINFO|STREAM"]);
    }
}
