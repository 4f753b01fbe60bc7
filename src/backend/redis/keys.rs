//! Every key and channel name, with its type and lifetime. `{room}` is a hash tag, so all keys of a room and its
//! channel share a slot of a Redis Cluster. Keys of nodes share a slot, with the name of the untagged key as their
//! tag; so do keys of the index of rooms.

use crate::backend::Channel;
use crate::model::{NodeId, Nonce, RoomName, UserId};

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

    /// Stream: the messages, entry id `<seq>-0`, fields `t` (ms) and `m` (JSON). `history.ttl`.
    pub fn log(&self, room: &RoomName) -> String {
        self.of_room(room, "log")
    }

    /// Hash: epoch, seq, run (the replication id), start, past, kept, began; see `log/fence.lua`. A day longer than
    /// the log.
    pub fn head(&self, room: &RoomName) -> String {
        self.of_room(room, "head")
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

    /// Hash and stream in the slot of a room, to test whether it accepts posts. Seconds.
    pub fn probe(&self, room: &RoomName) -> [String; 2] {
        [self.of_room(room, "probe:head"), self.of_room(room, "probe:log")]
    }

    /// Channel without subscribers, in the slot of a room.
    pub fn probe_channel(&self, room: &RoomName) -> String {
        self.of_room(room, "probe") + &self.database
    }

    /// String: the secret that signs guests' tokens, unless it is configured.
    pub fn secret(&self) -> String {
        format!("{}secret", self.prefix)
    }

    /// Sorted set: earlier secrets, in the order of their storage. The last eight.
    pub fn earlier_secrets(&self) -> String {
        format!("{}{{{}}}:earlier", self.prefix, self.secret())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_read_back_from_its_channel() {
        for keys in [Keys::new("adda:", 0), Keys::new("adda:", 12)] {
            for name in ["general", "আড্ডা", "}{", "100%", "%7B", "a b:c", "a}@12"] {
                let room = RoomName::from_trusted(name);
                let channel = Channel::Room(room.clone());
                assert_eq!(keys.bus(&channel), keys.channel(&room));
                assert_eq!(keys.read_bus(&keys.bus(&channel)), Some(channel));
                assert_eq!(keys.room_of_members(&keys.members(&room)), Some(room));
            }
        }
    }

    #[test]
    fn the_name_of_a_channel_is_unique() {
        let user = UserId::parse("a}@12{%").expect("a user id");
        let channels = [
            Channel::Control,
            Channel::User(user.clone()),
            Channel::Room(RoomName::from_trusted("control")),
            Channel::Room(RoomName::from_trusted(&format!("user:{{{user}}}"))),
        ];
        for keys in [Keys::new("adda:", 0), Keys::new("adda:", 12)] {
            let names: Vec<String> = channels.iter().map(|channel| keys.bus(channel)).collect();
            let read: Vec<Option<Channel>> = names.iter().map(|name| keys.read_bus(name)).collect();
            assert_eq!(read, channels.each_ref().map(|channel| Some(channel.clone())), "{names:?}");
        }
    }

    #[test]
    fn each_database_has_channels_of_its_own() {
        let (room, node) = (RoomName::from_trusted("general"), NodeId::random());
        let [zero, one, eleven] = [0, 1, 11].map(|database| Keys::new("adda:", database));
        assert_eq!(one.channel(&room), "adda:{general}@1");
        for (keys, other) in [(&zero, &one), (&one, &zero), (&one, &eleven), (&eleven, &one)] {
            assert_eq!(keys.read_bus(&other.channel(&room)), None);
            assert_ne!(keys.canary(node, None), other.canary(node, None));
            assert_eq!(slot_of(&keys.channel(&room)), slot_of(&keys.log(&room)));
        }
    }

    #[test]
    fn every_key_of_a_room_has_one_hash_tag() {
        let keys = Keys::new("adda:", 0);
        let room = RoomName::from_trusted("}x{");
        assert_eq!(keys.log(&room), "adda:{%7Dx%7B}:log");
        assert_eq!(keys.channel(&RoomName::from_trusted("general")), "adda:{general}");
    }

    #[test]
    fn a_prefix_is_no_pattern() {
        assert_eq!(Keys::new("[a]*?\\:", 0).all_members(), "\\[a\\]\\*\\?\\\\:{*}:members");
    }

    #[test]
    fn the_keys_of_a_script_share_a_slot() {
        let keys = Keys::new("adda:", 0);
        let nodes = slot_of(&keys.nodes());
        let listed = [keys.node_rooms("a"), keys.reaper("b")];
        let kept = [keys.vitals(), keys.restored(), keys.clock(), keys.leave_schedule(), keys.sweeper()];
        for key in kept.into_iter().chain(listed) {
            assert_eq!(slot_of(&key), nodes, "{key}");
        }
        assert_eq!(slot_of(&keys.room_versions()), slot_of(&keys.rooms()));
        assert_eq!(slot_of(&keys.earlier_secrets()), slot_of(&keys.secret()));
    }

    #[test]
    fn slots_are_those_of_redis() {
        // Replies of CLUSTER KEYSLOT.
        for (key, slot) in [
            ("foo", 12182),
            ("{foo}bar", 12182),
            ("x{foo}{bar}", 12182),
            ("foo{}bar", 14292),
            ("foo{}{bar}", 8363),
            ("a{b", 13340),
            ("", 0),
        ] {
            assert_eq!(slot_of(key), slot, "{key}");
        }
        assert_eq!(slot_of("adda:{আড্ডা}:log"), slot_of("আড্ডা"));
    }
}
