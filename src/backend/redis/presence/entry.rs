//! The entry of a session in a room's members. The members are a sorted set in which all scores are 0, so Redis
//! orders them by their bytes: by node, then by connection. A node's entries, a page and the rest after a page are
//! ranges. Ids are raw, so the entries of a small room stay below the 64 bytes up to which Redis keeps a sorted set
//! as a listpack.
//!
//! ```text
//!  0  16 bytes  node id
//! 16  16 bytes  connection id
//! 32   1 byte   version: 1. Later ones go up to 31, so that no text is taken for an entry
//! 33   1 byte   length of the user id, or 0: the id is a UUID, and 16 bytes long
//! 34   …        user id
//!  …   …        username
//! ```
//!
//! `members.lua` reads and writes the same.

use uuid::Uuid;

use crate::model::{ConnectionId, Member, NodeId, UserId, Username};

/// The version of entries that this node writes. An entry of another version is counted as a session of its node,
/// and listed by nodes that can read it.
const VERSION: u8 = 1;

/// Greater than each byte that may follow a connection id.
const ABOVE: u8 = 0xff;

const CONNECTION_AT: usize = 16;
const VERSION_AT: usize = 32;
const USER_AT: usize = 34;

/// Writes the entry of a session.
pub fn encode(node: NodeId, member: &Member) -> Vec<u8> {
    let mut entry = Vec::with_capacity(USER_AT + 16 + member.username.as_str().len());
    entry.extend_from_slice(node.0.as_bytes());
    entry.extend_from_slice(member.id.0.as_bytes());
    entry.push(VERSION);
    entry.extend(user_bytes(&member.user_id));
    entry.extend_from_slice(member.username.as_str().as_bytes());
    entry
}

/// A user id as in an entry, with its length in front.
pub fn user_bytes(user: &UserId) -> Vec<u8> {
    match as_uuid(user) {
        Some(uuid) => [&[0], &uuid.as_bytes()[..]].concat(),
        None => {
            let length = u8::try_from(user.as_str().len()).expect("a user id has at most 64 bytes");
            [&[length], user.as_str().as_bytes()].concat()
        }
    }
}

/// A UUID, if writing it gives the same text again.
fn as_uuid(user: &UserId) -> Option<Uuid> {
    let uuid = Uuid::try_parse(user.as_str()).ok()?;
    (uuid.to_string() == user.as_str()).then_some(uuid)
}

/// A decoded entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The node that holds it.
    pub node: NodeId,
    /// The session.
    pub member: Member,
}

/// Reads an entry; `None` if this version of adda did not write it.
pub fn decode(entry: &[u8]) -> Option<Entry> {
    if *entry.get(VERSION_AT)? != VERSION {
        return None;
    }
    let length = usize::from(*entry.get(VERSION_AT + 1)?);
    let (user_id, username) = match length {
        0 => {
            let (uuid, username) = entry.get(USER_AT..)?.split_at_checked(16)?;
            (UserId::parse(&Uuid::from_slice(uuid).ok()?.to_string())?, username)
        }
        length => {
            let (user, username) = entry.get(USER_AT..)?.split_at_checked(length)?;
            (UserId::parse(std::str::from_utf8(user).ok()?)?, username)
        }
    };
    let id = |at: usize| Uuid::from_slice(entry.get(at..at + 16)?).ok();
    let username =
        Username::from_trusted(std::str::from_utf8(username).ok().filter(|name| !name.is_empty())?);
    let member = Member { id: ConnectionId(id(CONNECTION_AT)?), user_id, username };
    Some(Entry { node: NodeId(id(0)?), member })
}

/// Whether any version of adda may have written this.
pub fn is_session(entry: &[u8]) -> bool {
    entry.get(VERSION_AT).is_some_and(|version| (1..=31).contains(version))
}

/// The lower bound (of ZRANGEBYLEX) of the entries after a session.
pub fn after(node: NodeId, connection: ConnectionId) -> Vec<u8> {
    [b"(", &node.0.as_bytes()[..], connection.0.as_bytes(), &[ABOVE]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::redis::mutations::read_mutations;

    fn member(user: &str, name: &str) -> Member {
        Member {
            id: ConnectionId::random(),
            user_id: UserId::parse(user).expect("a user id"),
            username: Username::from_trusted(name),
        }
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let node = NodeId::random();
        let users = ["0f8fad5b-d9cb-469f-a165-70867728950e", "0F8FAD5B-D9CB-469F-A165-70867728950E", "rahim"];
        for user in users.into_iter().chain([&*"a".repeat(64), "0f8fad5bd9cb469fa16570867728950e"]) {
            let member = member(user, "রহিম উদ্দিন");
            assert_eq!(decode(&encode(node, &member)), Some(Entry { node, member }));
        }
    }

    #[test]
    fn a_guest_with_a_short_name_fits_a_listpack() {
        let entry = encode(NodeId::random(), &member("0f8fad5b-d9cb-469f-a165-70867728950e", "রহিম"));
        assert!(entry.len() <= 64, "{}", entry.len());
    }

    #[test]
    fn an_entry_of_another_format_is_not_decoded() {
        let whole = encode(NodeId::random(), &member("rahim", "r"));
        let with = |at: usize, byte: u8| {
            let mut entry = whole.clone();
            entry[at] = byte;
            entry
        };
        for foreign in
            [with(32, 2), with(32, b' '), with(33, 200), with(34, 0xff), with(34, b' '), with(39, 0xff)]
        {
            assert_eq!(decode(&foreign), None, "{foreign:?}");
        }
        for length in 0..whole.len() {
            assert_eq!(decode(&whole[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn any_bytes_are_an_entry_or_none() {
        let users = ["0f8fad5b-d9cb-469f-a165-70867728950e", "rahim"];
        let valid = users.map(|user| encode(NodeId::random(), &member(user, "রহিম উদ্দিন")));
        let (mut entries, mut undecoded) = (0, 0);
        read_mutations(&valid, 50_000, |bytes| match decode(bytes) {
            Some(Entry { node, member }) => {
                let again = encode(node, &member);
                assert_eq!(decode(&again), Some(Entry { node, member }), "{bytes:?}");
                entries += 1;
            }
            None => undecoded += 1,
        });
        assert!(entries >= 100 && undecoded >= 100, "{entries} entries, {undecoded} that are none");
    }

    #[test]
    fn a_page_goes_on_behind_all_entries_of_a_connection() {
        let node = NodeId::random();
        let member = member("rahim", "r");
        let after = after(node, member.id);
        assert!(encode(node, &member)[..] < after[1..]);
        let mut next = member.id.0.as_u128();
        next = next.wrapping_add(1);
        let next = Member { id: ConnectionId(Uuid::from_u128(next)), ..member };
        assert!(encode(node, &next)[..] > after[1..]);
    }
}
