//! Every key and channel name, with its type and lifetime. `{room}` is a hash tag, so all keys of a room and its
//! channel share a slot of a Redis Cluster. Keys of nodes share a slot, with the name of the untagged key as their
//! tag; so do keys of the index of rooms, those of accounts, and those of files.

mod notifications;
mod people;
#[cfg(test)]
mod tests;

use crate::backend::{Channel, Quota, QuotaOwner};
use crate::model::{FileId, NodeId, Nonce, RoomName, UserId};

/// The keys of a room's log, in the order of the scripts' KEYS.
#[derive(Debug)]
pub struct LogKeys {
    /// Head, log, changes, state and altered.
    pub read: [String; 5],
    /// Reactions and cursors, behind these in scripts that give numbers.
    pub written: [String; 2],
}

/// Builds names under the configured prefix.
#[derive(Debug, Clone)]
pub struct Keys {
    prefix: String,
    /// Suffix of each channel: `@1` for database 1, empty for database 0. Pub/Sub has no databases, so clusters on
    /// two of them would receive each other's events.
    database: String,
}

impl Keys {
    pub fn new(prefix: &str, database: i64) -> Self {
        let database = if database == 0 { String::new() } else { format!("@{database}") };
        Self { prefix: prefix.to_owned(), database }
    }

    /// Channel of the bus, written by `pubsub/codec.rs`. A room's or user's channel has the hash tag of its keys.
    pub fn bus(&self, channel: &Channel) -> String {
        match channel {
            Channel::Room(room) => self.channel(room),
            Channel::User(user) => {
                format!("{}user:{{{}}}{}", self.prefix, Tag(user.as_str()), self.database)
            }
            Channel::Control => format!("{}control{}", self.prefix, self.database),
        }
    }

    /// Parses the name of a channel. Names are unique: only in a room's name a brace follows the prefix.
    pub fn read_bus(&self, name: &str) -> Option<Channel> {
        let channel = name.strip_prefix(&self.prefix)?.strip_suffix(&self.database)?;
        if channel == "control" {
            return Some(Channel::Control);
        }
        if let Some(user) = channel.strip_prefix("user:{").and_then(|user| user.strip_suffix('}')) {
            return UserId::parse(&untag(user)).map(Channel::User);
        }
        self.room_of(name, &self.database).map(Channel::Room)
    }

    /// Channel: messages and notices of the room, as `pubsub/codec.rs` writes them.
    pub fn channel(&self, room: &RoomName) -> String {
        format!("{}{{{}}}{}", self.prefix, Tag(room.as_str()), self.database)
    }

    fn room_of(&self, name: &str, end: &str) -> Option<RoomName> {
        let tag = name.strip_prefix(&self.prefix)?.strip_prefix('{')?.strip_suffix(end)?.strip_suffix('}')?;
        Some(RoomName::from_trusted(&untag(tag)))
    }

    /// The keys of a room's log; see `log/fence.lua` and `log/beside/texts.lua`. All expire with the log.
    /// - head, a hash: epoch, seq, run (the replication id), start, past, kept, began, changed. A day longer than the log.
    /// - log, a stream: the texts as they were posted, entry id `<seq>-0`, fields `t` (ms), `m` (JSON), `v`, and `r`, the number of the text that it
    ///   replies to. `history.ttl`.
    /// - changes, a stream with the numbers of the log: fields as those of a text, `p` (the change before it), and `e`, the text that it edits.
    /// - state, a hash: what changed texts look like now.
    /// - altered, a sorted set: the numbers of these texts.
    /// - reactions, a sorted set: who has reacted, beyond the first 20 users.
    /// - cursors, a hash: each user with the position up to which it has read. As long as the head, or its last change.
    pub fn log_keys(&self, room: &RoomName) -> LogKeys {
        LogKeys {
            read: ["head", "log", "changes", "state", "altered"].map(|what| self.of_room(room, what)),
            written: ["reactions", "cursors"].map(|what| self.of_room(room, what)),
        }
    }

    /// The first two keys of a room's log, for scripts that find the others by themselves (`fence.lua`).
    pub fn head_and_log(&self, room: &RoomName) -> [String; 2] {
        ["head", "log"].map(|what| self.of_room(room, what))
    }

    /// The keys of the scripts of cursors.
    pub fn cursor_keys(&self, room: &RoomName) -> [String; 6] {
        let LogKeys { read: [head, log, changes, state, altered], written: [_, cursors] } =
            self.log_keys(room);
        [head, log, changes, state, altered, cursors]
    }

    /// Sorted set, all scores 0: the sessions in the room, as in `entry.rs`.
    pub fn members(&self, room: &RoomName) -> String {
        self.of_room(room, "members")
    }

    /// The room of a key of members.
    pub fn room_of_members(&self, key: &str) -> Option<RoomName> {
        self.room_of(key, ":members")
    }

    /// The pattern of [`Self::members`] of all rooms. It also matches other keys.
    pub fn all_members(&self) -> String {
        let mut pattern = String::new();
        for char in self.prefix.chars() {
            if matches!(char, '*' | '?' | '[' | ']' | '\\') {
                pattern.push('\\');
            }
            pattern.push(char);
        }
        pattern + "{*}:members"
    }

    /// Hash: users with a pending leave notice, `<token> <name>`. Expires after days, if it is not sent.
    pub fn pending_leaves(&self, room: &RoomName) -> String {
        self.of_room(room, "lingering")
    }

    /// Sorted set: users whose leave notice was sent after a grace period, by its time. Minutes.
    pub fn announced_leaves(&self, room: &RoomName) -> String {
        self.of_room(room, "farewells")
    }

    /// String: `<epoch> <seq> <id> <timestamp>` of the message with this nonce. 24 hours.
    pub fn nonce(&self, room: &RoomName, user: &UserId, nonce: &Nonce) -> String {
        // Neither contains a space, so each pair has a key of its own.
        self.of_room(room, &format!("nonce:{user} {}", nonce.as_str()))
    }

    /// Sorted set, all scores 0: names of the occupied rooms.
    pub fn rooms(&self) -> String {
        format!("{}rooms", self.prefix)
    }

    /// Sorted set: the same by the number of sessions; lags by seconds.
    pub fn rooms_by_size(&self) -> String {
        format!("{}rooms:by-size", self.prefix)
    }

    /// Hash: each room of the index with its version, which each new occupation raises, and the last version under
    /// an empty name.
    pub fn room_versions(&self) -> String {
        format!("{}{{{}}}:entrances", self.prefix, self.rooms())
    }

    /// Sorted set: node ids by the time of their last renewal, ms of the cluster's clock (`clock.lua`).
    pub fn nodes(&self) -> String {
        format!("{}nodes", self.prefix)
    }

    /// Hash: node id to the node's statistics, `<start of the node, ms> <JSON>`; see `vitals.rs`.
    pub fn vitals(&self) -> String {
        self.of_nodes("vitals")
    }

    /// Hash: node id to the generation that it has restored, or `again`: the node must resync.
    pub fn restored(&self) -> String {
        self.of_nodes("restored")
    }

    /// Hash: the last recorded time (`last`), the difference of the cluster's clock to Redis' (`ahead`), the end
    /// and begin of the last pause of renewals, and the generation: a period without loss of data. `swept` is the
    /// last generation that was swept, `format` the oldest format that nodes must know.
    pub fn clock(&self) -> String {
        self.of_nodes("clock")
    }

    /// Stream: the figures of all nodes, node id to figures as `telemetry/figures.rs` writes them; the entry id is the
    /// time of the cluster's clock. 15 minutes, as long as any node renews its lease.
    pub fn figures(&self) -> String {
        self.of_nodes("figures")
    }

    /// String: the node that is sweeping all rooms, `<node> <since, ms>`. Seconds.
    pub fn sweeper(&self) -> String {
        self.of_nodes("sweeper")
    }

    /// Sorted set: the schedule of leave notices, `<token> <user> <room>` by due time.
    pub fn leave_schedule(&self) -> String {
        self.of_nodes("due")
    }

    /// Set: rooms that may have sessions of the node, for its reaper.
    pub fn node_rooms(&self, node: &str) -> String {
        self.of_node(node, "rooms")
    }

    /// String: the node that is reaping this one, `<node> <since, ms>`. Seconds.
    pub fn reaper(&self, node: &str) -> String {
        self.of_node(node, "reaper")
    }

    /// Channel: the node's canary. In a Redis Cluster one for each shard, with a hash tag in a slot of the shard.
    pub fn canary(&self, node: NodeId, tag: Option<&str>) -> String {
        match tag {
            Some(tag) => format!("{}node:{node}:{{{tag}}}:canary{}", self.prefix, self.database),
            None => format!("{}node:{node}:canary{}", self.prefix, self.database),
        }
    }

    /// Key and channel that are never used, to check permissions.
    pub fn for_rights(&self) -> (String, String) {
        (format!("{}rights", self.prefix), format!("{}rights{}", self.prefix, self.database))
    }

    /// Keys in the slot of a room, to test whether it accepts posts. Seconds.
    pub fn probe(&self, room: &RoomName) -> LogKeys {
        LogKeys {
            read: ["head", "log", "changes", "state", "altered"]
                .map(|what| self.of_room(room, &format!("probe:{what}"))),
            written: ["reactions", "cursors"].map(|what| self.of_room(room, &format!("probe:{what}"))),
        }
    }

    /// Channel without subscribers, in the slot of a room.
    pub fn probe_channel(&self, room: &RoomName) -> String {
        self.of_room(room, "probe") + &self.database
    }

    /// String: the time at which a token bucket will be full, µs of Redis' clock. Until then.
    pub fn quota(&self, quota: &Quota) -> String {
        let (limit, subject) = match quota {
            Quota::UserMessages(user) => ("user-messages", user.as_str()),
            Quota::AddressMessages(address) => ("address-messages", address.as_str()),
            Quota::AccountLogins(account) => ("account-logins", account.as_str()),
            Quota::AddressLogins(address) => ("address-logins", address.as_str()),
            Quota::AddressRegistrations(address) => ("address-registrations", address.as_str()),
        };
        format!("{}quota:{limit}:{{{}}}", self.prefix, Tag(subject))
    }

    /// String: the secret that signs guests' tokens, unless it is configured.
    pub fn secret(&self) -> String {
        format!("{}secret", self.prefix)
    }

    /// Sorted set: earlier secrets, in the order of their storage. The last eight.
    pub fn earlier_secrets(&self) -> String {
        format!("{}{{{}}}:earlier", self.prefix, self.secret())
    }

    /// Hash: each skeleton of an account's name to the user id.
    pub fn names(&self) -> String {
        format!("{}names", self.prefix)
    }

    /// Hash: username, password, role and created (ms) of an account.
    pub fn account(&self, user: &UserId) -> String {
        format!("{}account:{user}:{{{}}}", self.prefix, self.names())
    }

    /// Hash: the code with which the first admin is made, and the first admin.
    pub fn setup(&self) -> String {
        format!("{}{{{}}}:setup", self.prefix, self.names())
    }

    /// Hash of a private room: created (ms), owner, title, topic, `m:USER` → the name of a member. Until it is deleted.
    pub fn record(&self, room: &RoomName) -> String {
        self.of_room(room, "record")
    }

    /// Hash: user, room, bytes and day (of the quotas), file (JSON, once it is stored), claim, seq. Until it is removed.
    pub fn file(&self, id: FileId) -> String {
        format!("{}file:{id}:{{{}files}}", self.prefix, self.prefix)
    }

    /// Sorted set: files that no message is known to have, by the time of their last change, ms.
    pub fn unposted_files(&self) -> String {
        self.of_files("unposted")
    }

    /// Sorted set: rooms with posted files, by the time at which their logs were last looked at, ms.
    pub fn file_rooms(&self) -> String {
        self.of_files("rooms")
    }

    /// Sorted set: the posted files of a room, by the numbers of their messages.
    pub fn room_files(&self, room: &RoomName) -> String {
        self.of_files(&format!("room:{room}"))
    }

    /// Sorted set: files without a record whose bytes are to be deleted, by the time from which on, ms.
    pub fn removed_files(&self) -> String {
        self.of_files("removed")
    }

    /// Hash: day (since 1970, UTC) and bytes that were uploaded in it. Two days.
    pub fn byte_quota(&self, owner: &QuotaOwner) -> String {
        match owner {
            QuotaOwner::User(user) => self.of_files(&format!("quota:user:{user}")),
            QuotaOwner::Guests(address) => self.of_files(&format!("quota:guests:{address}")),
        }
    }

    /// String: the file of an upload that may be repeated. 24 hours.
    pub fn upload(&self, fingerprint: &str) -> String {
        self.of_files(&format!("upload:{fingerprint}"))
    }

    /// String: the node that searches for files to remove. Seconds.
    pub fn file_sweeper(&self) -> String {
        self.of_files("sweeper")
    }

    /// String: when all stored bytes were last listed, ms.
    pub fn file_listing(&self) -> String {
        self.of_files("listed")
    }

    fn of_files(&self, what: &str) -> String {
        format!("{}{{{}files}}:{what}", self.prefix, self.prefix)
    }

    fn of_nodes(&self, what: &str) -> String {
        format!("{}{{{}}}:{what}", self.prefix, self.nodes())
    }

    fn of_node(&self, node: &str, what: &str) -> String {
        format!("{}node:{node}:{{{}}}:{what}", self.prefix, self.nodes())
    }

    fn of_room(&self, room: &RoomName, what: &str) -> String {
        format!("{}{{{}}}:{what}", self.prefix, Tag(room.as_str()))
    }
}

/// A room's or a user's name inside `{…}`. Braces would end or empty the hash tag, so they are written as
/// `%7B` and `%7D`, and `%` as `%25`; every other name stands as it is.
struct Tag<'a>(&'a str);

impl std::fmt::Display for Tag<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.0;
        if !name.contains(['{', '}', '%']) {
            return f.write_str(name);
        }
        f.write_str(&name.replace('%', "%25").replace('{', "%7B").replace('}', "%7D"))
    }
}

/// The slot of a Redis Cluster that a key or a sharded channel belongs to.
pub fn slot_of(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    let hashed = tag.filter(|tag| !tag.is_empty()).unwrap_or(key);
    crc16::State::<crc16::XMODEM>::calculate(hashed.as_bytes()) % SLOTS
}

/// How many slots a Redis Cluster has.
pub const SLOTS: u16 = 16384;

fn untag(tag: &str) -> String {
    tag.replace("%7D", "}").replace("%7B", "{").replace("%25", "%")
}
