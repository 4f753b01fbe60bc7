//! The Lua scripts, called by hash.

use redis::Cmd;
use sha1::{Digest, Sha1};

use crate::backend::redis::pubsub::codec;

/// A script's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    Post,
    /// Opens the numbering of a room for a session that asks to join it.
    Open,
    /// The same script for a room that is occupied.
    Head,
    Read,
    Enter,
    Leave,
    Restore,
    Reap,
    Farewell,
    Digest,
    Note,
    NoteBack,
    Occupy,
    Vacate,
    Due,
    FallenDue,
    Renew,
    Claim,
    Forget,
    Sweep,
    Whose,
    Resize,
    Enlist,
    Secret,
    Rights,
}

const FENCE: &str = concat!(include_str!("../scripts/history.lua"), include_str!("../scripts/fence.lua"));
/// Clock and history.
const TIMED: &str = concat!(include_str!("../scripts/history.lua"), include_str!("../scripts/clock.lua"));
const CLOCK: &str = include_str!("../scripts/clock.lua");
const TYPES: &str = include_str!("../scripts/types.lua");
const SHARE: &str = include_str!("../scripts/share.lua");
const ROOM: &str = concat!(
    include_str!("../scripts/types.lua"),
    include_str!("../scripts/share.lua"),
    include_str!("../scripts/room.lua")
);
const NONE: &str = "";

/// What a script does to Redis' memory. Redis looks at its limit before a script that says so in its first
/// line; of one that does not, it looks only before the first write, and never before a DEL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Memory {
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

/// A script's text, with the functions that it shares with others.
#[derive(Debug, Clone, Copy)]
struct Source {
    memory: Memory,
    shared: &'static str,
    own: &'static str,
}

const fn source(memory: Memory, shared: &'static str, own: &'static str) -> Source {
    Source { memory, shared, own }
}

/// In the order of [`Script`].
const SOURCES: [Source; 25] = [
    source(Memory::Grows, FENCE, include_str!("../scripts/post.lua")),
    source(Memory::Grows, FENCE, include_str!("../scripts/head.lua")),
    source(Memory::Spares, FENCE, include_str!("../scripts/head.lua")),
    source(Memory::Untouched, FENCE, include_str!("../scripts/read.lua")),
    source(Memory::Grows, ROOM, include_str!("../scripts/enter.lua")),
    source(Memory::Spares, ROOM, include_str!("../scripts/leave.lua")),
    source(Memory::Spares, ROOM, include_str!("../scripts/restore.lua")),
    source(Memory::Spares, ROOM, include_str!("../scripts/reap.lua")),
    source(Memory::Spares, ROOM, include_str!("../scripts/farewell.lua")),
    source(Memory::Untouched, SHARE, include_str!("../scripts/digest.lua")),
    source(Memory::Grows, TYPES, include_str!("../scripts/note.lua")),
    source(Memory::Spares, TYPES, include_str!("../scripts/note.lua")),
    source(Memory::Spares, TYPES, include_str!("../scripts/occupy.lua")),
    source(Memory::Spares, TYPES, include_str!("../scripts/vacate.lua")),
    source(Memory::Spares, CLOCK, include_str!("../scripts/due.lua")),
    source(Memory::Untouched, CLOCK, include_str!("../scripts/fallen_due.lua")),
    source(Memory::Spares, TIMED, include_str!("../scripts/renew.lua")),
    source(Memory::Spares, CLOCK, include_str!("../scripts/claim.lua")),
    source(Memory::Spares, CLOCK, include_str!("../scripts/forget.lua")),
    source(Memory::Spares, CLOCK, include_str!("../scripts/sweep.lua")),
    source(Memory::Untouched, SHARE, include_str!("../scripts/whose.lua")),
    source(Memory::Spares, TYPES, include_str!("../scripts/resize.lua")),
    source(Memory::Spares, TYPES, include_str!("../scripts/enlist.lua")),
    source(Memory::Spares, NONE, include_str!("../scripts/secret.lua")),
    source(Memory::Untouched, NONE, include_str!("../scripts/rights.lua")),
];

/// The scripts, and the names under which Redis knows them.
#[derive(Debug)]
pub struct Scripts {
    header: String,
    hashes: [String; SOURCES.len()],
}

impl Scripts {
    /// `is_cluster`: publications go to the shard of their channel alone.
    pub fn new(is_cluster: bool) -> Self {
        let command = if is_cluster { "SPUBLISH" } else { "PUBLISH" };
        let version = codec::VERSION;
        let header = format!(
            "local function publish(channel, text) redis.call('{command}', channel, '{version} ' .. text) end\n\
             local function may_publish(channel)\n\
               return not redis.acl_check_cmd or redis.acl_check_cmd('{command}', channel, '')\n\
             end\n"
        );
        let hashes = SOURCES.map(|source| format!("{:x}", Sha1::digest(text(&header, source))));
        Self { header, hashes }
    }

    /// The commands that scripts call by name.
    pub fn commands() -> Vec<String> {
        let mut commands = Vec::new();
        for text in SOURCES.iter().flat_map(|source| [source.shared, source.own]) {
            for rest in text.split("call('").skip(1) {
                let name = rest.split('\'').next().unwrap_or_default();
                // XINFO is known by what it tells of.
                commands.push(if name == "XINFO" { "XINFO|STREAM".to_owned() } else { name.to_owned() });
            }
        }
        commands
    }

    /// What must be loaded.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        SOURCES.iter().map(|&source| text(&self.header, source))
    }
}

fn text(header: &str, Source { memory, shared, own }: Source) -> String {
    format!("{}{header}{shared}{own}", memory.first_line())
}

/// Something to ask of the server that has a key.
#[derive(Debug, Clone)]
pub enum Call {
    /// A script.
    Script { script: Script, keys: Vec<String>, args: Vec<Vec<u8>> },
    /// A command of Redis, and the key (or channel) that it is about.
    Plain { key: String, command: Cmd },
}

impl Call {
    /// All keys must share a slot with the first.
    pub fn new(script: Script, keys: impl IntoIterator<Item = String>) -> Self {
        Self::Script { script, keys: keys.into_iter().collect(), args: Vec::new() }
    }

    /// `name key`, to which arguments are added.
    pub fn plain(name: &str, key: String) -> Self {
        let mut command = redis::cmd(name);
        command.arg(&key);
        Self::Plain { key, command }
    }

    /// A command that names no key, asked of the server that has `key`.
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

    /// An argument that is no text.
    pub fn bytes(mut self, arg: impl Into<Vec<u8>>) -> Self {
        match &mut self {
            Self::Script { args, .. } => args.push(arg.into()),
            Self::Plain { command, .. } => {
                command.arg(arg.into());
            }
        }
        self
    }

    /// What tells where it must go.
    pub fn key(&self) -> &str {
        match self {
            Self::Script { keys, .. } => &keys[0],
            Self::Plain { key, .. } => key,
        }
    }

    pub fn command(&self, scripts: &Scripts) -> Cmd {
        match self {
            Self::Script { script, keys, args } => {
                let mut command = redis::cmd("EVALSHA");
                command.arg(&scripts.hashes[*script as usize]).arg(keys.len()).arg(keys).arg(args);
                command
            }
            Self::Plain { command, .. } => command.clone(),
        }
    }
}
