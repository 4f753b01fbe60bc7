//! The calls of the log's scripts.

use std::sync::Arc;

use super::page::Found;
use super::{MAX_SEQ, malformed, probe};
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::role::Role;
use crate::backend::redis::client::script::{Memory, REPLID, Script};
use crate::backend::redis::client::server::Atomicity;
use crate::backend::redis::keys::{Keys, LogKeys};
use crate::backend::redis::pubsub::codec::{PUBLISH, Wire};
use crate::backend::redis::topology::Shards;
use crate::backend::{NONCE_TTL, Result, Span};
use crate::config::Config;
use crate::model::{Change, ChangeDraft, DeleteRights, Draft, MessageId, Nonce, RoomName, UserId};

/// Functions to read and open the numbering of a room. Prepended to other scripts, behind [`REPLID`].
pub const FENCE: &str = include_str!("fence.lua");
/// Functions to read the streams of a room.
pub const ENTRIES: &str = include_str!("entries.lua");
/// The beginning of each script that gives a number.
const ONCE: &str = include_str!("once.lua");
/// Functions to find texts as they are now, and those to show them.
pub const TEXTS: &str = include_str!("beside/texts.lua");
pub const PAGES: &str = include_str!("beside/pages.lua");
/// Functions to keep the bounds of what is beside the log.
const UPKEEP: &str = include_str!("beside/upkeep.lua");
/// The beginning of the scripts of changes, and their end.
const CHANGE: &str = include_str!("changes/change.lua");
const FINISH: &str = include_str!("changes/finish.lua");
/// The kind of change, which `change.lua` must know before it reads.
const OF_TEXT: &str = "local IS_REACTION, FIELD = false, 'm' .. ARGV[12]\n";
const OF_REACTION: &str = "local IS_REACTION, FIELD = true, 'l' .. ARGV[12] .. ' ' .. ARGV[15]\n";

/// The parts of a script that assigns a number: a common beginning, and the parts given. Lua creates functions anew in each call, and
/// those that work beside the log would take a tenth of a text's time. So `beside()` creates them, in the few calls that need them.
macro_rules! numbering {
    ($($part:expr),*) => {
        [
            REPLID,
            FENCE,
            PUBLISH,
            ONCE,
            "local function beside()\n",
            ENTRIES,
            TEXTS,
            PAGES,
            UPKEEP,
            "since = now - TTL\n\
            return {oldest_kept = oldest_kept, in_stream = in_stream, upkeep = upkeep, pages = pages}\nend\n",
            $($part),*
        ]
    };
}

static APPEND: Script = Script::new(Memory::Grows, &numbering!(include_str!("append.lua")));
static EDIT: Script =
    Script::new(Memory::Grows, &numbering!(OF_TEXT, CHANGE, include_str!("changes/edit.lua"), FINISH));
static DELETE: Script =
    Script::new(Memory::Grows, &numbering!(OF_TEXT, CHANGE, include_str!("changes/delete.lua"), FINISH));
static REACT: Script =
    Script::new(Memory::Grows, &numbering!(OF_REACTION, CHANGE, include_str!("changes/react.lua"), FINISH));

/// Opens the numbering of a room that a session joins.
pub(super) static OPEN: Script = Script::new(Memory::Grows, &[REPLID, FENCE, include_str!("head.lua")]);

/// The same script for a room that is occupied.
pub(super) static HEAD: Script = Script::new(Memory::Spares, &[REPLID, FENCE, include_str!("head.lua")]);

static READ: Script =
    Script::new(Memory::Untouched, &[REPLID, FENCE, ENTRIES, TEXTS, PAGES, include_str!("read.lua")]);

/// The scripts of this folder.
pub const SCRIPTS: &[&Script] = &[&APPEND, &EDIT, &DELETE, &REACT, &OPEN, &HEAD, &READ];

/// The logs' keys and bounds.
#[derive(Debug, Clone)]
pub(super) struct Store {
    pub(super) keys: Keys,
    pub(super) shards: Arc<Shards>,
    pub(super) atomicity: Atomicity,
    wire: Wire,
    max_messages: usize,
    max_changes: usize,
    editable_ms: u128,
    log_ttl_ms: u128,
    head_ttl_ms: u128,
    page_bytes: usize,
    min_replicas: usize,
}

/// An entry that is to be given a number.
struct Entry {
    id: MessageId,
    /// [`Wire::mark`]
    mark: String,
    digest: String,
}

/// The arguments of `once.lua`, which begin those of each script that gives a number.
struct Numbering {
    channel: String,
    entry: Entry,
    log_ttl_ms: u128,
    head_ttl_ms: u128,
    nonce_ttl_ms: u128,
    /// Whether replicas will be waited for.
    waits_for_replicas: bool,
    max_messages: usize,
    /// The field that the record of a private room must have.
    recorded: String,
}

impl Numbering {
    fn add_to(self, call: Call) -> Call {
        let Entry { id, mark, digest } = self.entry;
        call.arg(self.channel)
            .arg(id)
            .arg(mark)
            .arg(digest)
            .arg(self.log_ttl_ms)
            .arg(self.head_ttl_ms)
            .arg(self.nonce_ttl_ms)
            .arg(u8::from(self.waits_for_replicas))
            .arg(self.max_messages)
            .arg(self.recorded)
    }
}

impl Store {
    pub(super) fn new(keys: Keys, shards: Arc<Shards>, wire: Wire, config: &Config) -> Self {
        let (history, min_replicas) = (&config.history, config.redis.min_replicas_acked);
        Self {
            keys,
            shards,
            wire,
            atomicity: Atomicity::PerKey { min_replicas },
            max_messages: history.max_messages,
            max_changes: history.max_changes,
            editable_ms: config.messages.editable.as_millis(),
            log_ttl_ms: history.ttl.as_millis(),
            // Nonces refer to positions, so the head must outlive them.
            head_ttl_ms: (history.ttl + NONCE_TTL).as_millis(),
            page_bytes: config.limits.outbox_bytes / 2,
            min_replicas,
        }
    }

    pub(super) fn post_call(&self, draft: &Draft) -> Call {
        let (user, nonce) = (&draft.author.user_id, draft.nonce.as_ref());
        let mark = self.wire.mark(draft.taken_in);
        let digest = nonce.map_or_else(|| "-".to_owned(), |_| draft.digest());
        let entry = Entry { id: draft.id, mark, digest };
        let call = self.numbering_call(&APPEND, &draft.room, user, nonce, entry).arg(draft.open_json());
        match draft.reply_to {
            Some(seq) => call.arg(seq.min(MAX_SEQ)),
            None => call,
        }
    }

    pub(super) fn change_call(&self, draft: &ChangeDraft) -> Call {
        let (user, nonce) = (&draft.author.user_id, draft.nonce.as_ref());
        let entry = Entry { id: draft.id, mark: self.wire.mark(draft.taken_in), digest: draft.digest() };
        let script = match &draft.change {
            Change::Edit { .. } => &EDIT,
            Change::Delete { .. } => &DELETE,
            Change::React { .. } => &REACT,
        };
        let call = self
            .numbering_call(script, &draft.room, user, nonce, entry)
            .arg(self.max_changes)
            .arg(draft.target.min(MAX_SEQ))
            .arg(json(user.as_str()))
            .arg(draft.open_json());
        match &draft.change {
            Change::Edit { content } => call.arg(self.editable_ms).arg(json(content)),
            Change::Delete { rights } => {
                call.arg(self.editable_ms).arg(u8::from(*rights == DeleteRights::All))
            }
            Change::React { emoji, on } => call.arg(emoji.as_str()).arg(u8::from(*on)),
        }
    }

    fn numbering_call(
        &self,
        script: &'static Script,
        room: &RoomName,
        user: &UserId,
        nonce: Option<&Nonce>,
        entry: Entry,
    ) -> Call {
        let LogKeys { read, written } = self.keys.log_keys(room);
        let record = room.is_private().then(|| self.keys.record(room));
        let nonce = nonce.map(|nonce| self.keys.nonce(room, user, nonce));
        let recorded = match &record {
            None => String::new(),
            // The system speaks in each room that there is.
            Some(_) if user.is_system() => "created".to_owned(),
            Some(_) => format!("m:{user}"),
        };
        let numbering = Numbering {
            channel: self.keys.channel(room),
            entry,
            log_ttl_ms: self.log_ttl_ms,
            head_ttl_ms: self.head_ttl_ms,
            nonce_ttl_ms: NONCE_TTL.as_millis(),
            waits_for_replicas: self.min_replicas > 0,
            max_messages: self.max_messages,
            recorded,
        };
        numbering.add_to(Call::new(script, read.into_iter().chain(written).chain(record).chain(nonce)))
    }

    /// A test post to separate keys in the room's slot, without subscribers.
    pub(super) fn probe_call(&self, room: &RoomName) -> Call {
        let ttl_ms = probe::TTL.as_millis();
        let LogKeys { read, written } = self.keys.probe(room);
        let numbering = Numbering {
            channel: self.keys.probe_channel(room),
            entry: Entry { id: MessageId::now(), mark: "-".to_owned(), digest: "-".to_owned() },
            log_ttl_ms: ttl_ms,
            head_ttl_ms: ttl_ms,
            nonce_ttl_ms: ttl_ms,
            waits_for_replicas: false,
            max_messages: 1,
            recorded: String::new(),
        };
        numbering.add_to(Call::new(&APPEND, read.into_iter().chain(written))).arg("{\"id\":\"probe\"")
    }

    pub(super) fn head_call(&self, script: &'static Script, room: &RoomName) -> Call {
        Call::new(script, self.keys.head_and_log(room)).arg(self.head_ttl_ms)
    }

    pub(super) async fn read(
        &self,
        role: &Role,
        room: &RoomName,
        span: &Span,
        limit: usize,
    ) -> Result<Found> {
        let value = self.shards.call(role, self.read_call(room, span, limit)).await?;
        let is_forward = matches!(span, Span::After(_) | Span::Above(_));
        Found::parse(value, is_forward).ok_or_else(|| malformed("a page"))
    }

    fn read_call(&self, room: &RoomName, span: &Span, limit: usize) -> Call {
        let (name, seq, epoch) = match span {
            Span::Newest => ("newest", 0, ""),
            Span::Before(seq) => ("before", *seq, ""),
            Span::Above(seq) => ("above", *seq, ""),
            Span::After(place) => ("after", place.seq, place.epoch.as_str()),
        };
        let seq = seq.min(MAX_SEQ);
        Call::new(&READ, self.keys.head_and_log(room))
            .arg(self.log_ttl_ms)
            .arg(limit)
            .arg(self.page_bytes)
            .arg(name)
            .arg(seq)
            .arg(epoch)
    }
}

fn json(text: &str) -> String {
    serde_json::to_string(text).expect("a string is always JSON")
}
